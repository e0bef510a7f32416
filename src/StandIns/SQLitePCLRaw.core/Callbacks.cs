namespace SQLitePCL;

/// <summary>Computes a scalar function and sets its result on <paramref name="ctx"/>.</summary>
public delegate void delegate_function_scalar(sqlite3_context ctx, object? user_data, sqlite3_value[] args);

/// <summary>Takes one row into an aggregate, whose running value is <see cref="sqlite3_context.state"/>.</summary>
public delegate void delegate_function_aggregate_step(sqlite3_context ctx, object? user_data, sqlite3_value[] args);

/// <summary>Sets an aggregate's result on <paramref name="ctx"/>. Also called when no row was taken, and when the query ends early.</summary>
public delegate void delegate_function_aggregate_final(sqlite3_context ctx, object? user_data);

/// <summary>Compares two texts.</summary>
public delegate int strdelegate_collation(object? user_data, string s1, string s2);

/// <summary>Hears that a transaction was rolled back.</summary>
public delegate void delegate_rollback(object? user_data);

/// <summary>One evaluation of a function. It is valid only within the callback that gets it.</summary>
public sealed class sqlite3_context
{
    /// <summary>What an aggregate keeps from one row to the next.</summary>
    public object? state;

    internal sqlite3_context(nint pointer) => Pointer = pointer;

    /// <summary>The C context, which may differ from row to row.</summary>
    internal nint Pointer { get; set; }
}

/// <summary>An argument of a function. It is valid only within the callback that gets it.</summary>
public sealed class sqlite3_value
{
    internal sqlite3_value(nint pointer) => Pointer = pointer;

    internal nint Pointer { get; }
}
