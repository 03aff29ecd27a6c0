public import CarillonCore
import Glibc
public import Timetable

/// The machine's clocks, clock_gettime(2).
public struct SystemClock: EngineClock {
    public init() {}

    public var now: Timestamp { Timestamp(microseconds: Self.read(CLOCK_REALTIME)) }

    public var uptime: Int64 { Self.read(CLOCK_MONOTONIC) }

    public var sinceBoot: Int64 { Self.read(CLOCK_BOOTTIME) }

    public func sleep(for microseconds: Int64) async throws {
        try await Task.sleep(for: .microseconds(microseconds), tolerance: .zero, clock: .suspending)
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
