namespace Pail.Server.Limits;

/// <summary>Lets so many of each key work at once; others wait for their turn.</summary>
/// <param name="most">How many.</param>
/// <param name="time">The clock.</param>
internal sealed class Slots(int most, TimeProvider time)
{
    private readonly Dictionary<string, Room> _rooms = [];

    /// <summary>Waits for a place; false if none was free in time. Who has one leaves it.</summary>
    public async ValueTask<bool> EnterAsync(string key, TimeSpan longest, CancellationToken cancel)
    {
        Room? room;
        lock (_rooms)
        {
            if (!_rooms.TryGetValue(key, out room))
                _rooms[key] = room = new Room(most);
            room.Inside++;
        }
        var entered = false;
        try
        {
            using var limit = new CancellationTokenSource(longest, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
            await room.Free.WaitAsync(either.Token);
            return entered = true;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            if (!entered)
                Forget(key, room);
        }
    }

    /// <summary>Gives a place back.</summary>
    public void Leave(string key)
    {
        Room room;
        lock (_rooms)
            room = _rooms[key];
        room.Free.Release();
        Forget(key, room);
    }

    private void Forget(string key, Room room)
    {
        lock (_rooms)
            if (--room.Inside == 0)
            {
                _rooms.Remove(key);
                room.Free.Dispose();
            }
    }

    private sealed class Room(int most)
    {
        public SemaphoreSlim Free { get; } = new(most);

        /// <summary>Those inside and those that wait.</summary>
        public int Inside { get; set; }
    }
}
