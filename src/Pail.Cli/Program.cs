Console.Error.WriteLine("pail");
return 0;
