namespace Pail.Stores;

/// <summary>Says that an object which had to be there is not. It is no failure of the store: whether something is there, stores answer by null.</summary>
internal sealed class MissingObjectException(string name) : PailException(Failure.NotFound, $"{name} is not there.");
