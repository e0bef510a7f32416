namespace GrpcCqrs.Storage.Databases;

/// <summary>The text of an error for operators.</summary>
internal static class ErrorText
{
    /// <summary>The exception's type and message.</summary>
    public static string Of(Exception exception) => $"{exception.GetType().Name}: {exception.Message}";
}
