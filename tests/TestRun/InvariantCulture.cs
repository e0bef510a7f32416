using System.Globalization;
using System.Runtime.CompilerServices;

namespace TestRun;

/// <summary>The service runs without cultures (<c>InvariantGlobalization</c>); the tests do not depend on the machine's either.</summary>
internal static class InvariantCulture
{
    [ModuleInitializer]
    internal static void Set()
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
    }
}
