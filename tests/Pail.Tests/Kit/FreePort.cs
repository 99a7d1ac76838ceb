using System.Net;
using System.Net.Sockets;

namespace Pail.Tests.Kit;

/// <summary>Ports on loopback that were free a moment ago.</summary>
internal static class FreePort
{
    public static int Take()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
