using Pail.Cli;
using Pail.Cli.Output;
using var interruption = new Interruption();

return await PailProgram.RunAsync(args, Terminal.OfProcess(), interruption);
