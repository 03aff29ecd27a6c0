import class Foundation.ProcessInfo

/// How much spoilt input a test throws at a reader, and from which seed: `CARILLON_FUZZ_ROUNDS`, `CARILLON_FUZZ_SEED`.
public enum Fuzz {
    /// Always the same one unless told otherwise, so that a run that fails fails again.
    public static var seed: UInt64 { number("CARILLON_FUZZ_SEED") ?? 20_261_126 }

    /// Says how many inputs to throw: `usual` take some seconds; asked for more, a test throws so many times as much.
    public static func rounds(_ usual: Int) -> Int { usual * Int(clamping: number("CARILLON_FUZZ_ROUNDS") ?? 1) }

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}
