import Glibc

/// When waiting for a descriptor must end, on the monotonic clock, which stands still while the machine sleeps.
public struct Deadline: Sendable {
    /// Nanoseconds of CLOCK_MONOTONIC (clock_gettime(2)).
    private let end: Int64

    /// Sets the end so many seconds from now, at most 68 years.
    public init(seconds: Int) { end = Self.now() + Int64(Int32(clamping: seconds)) * 1_000_000_000 }

    /// Waits until one of `events` comes to the descriptor, or its end (poll(2)); false when the deadline came before.
    ///
    /// True at once for a negative descriptor, which has nothing to wait for.
    public func wait(for events: Int32, of descriptor: Int32) -> Bool {
        guard descriptor >= 0 else { return true }
        var one = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while true {
            // Rounded up, so that it does not spin through the last millisecond.
            let left = max(0, (end - Self.now() + 999_999) / 1_000_000)
            let count = poll(&one, 1, Int32(clamping: left))
            if count >= 0 || errno != EINTR { return count > 0 }
        }
    }

    public var isOver: Bool { Self.now() >= end }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
