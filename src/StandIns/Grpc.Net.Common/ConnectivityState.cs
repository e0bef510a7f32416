namespace Grpc.Core;

/// <summary>The state of a channel's connection to its server.</summary>
public enum ConnectivityState
{
    Idle,
    Connecting,
    Ready,
    TransientFailure,
    Shutdown,
}
