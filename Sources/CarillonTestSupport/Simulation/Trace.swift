import Glibc

import class Foundation.ProcessInfo

/// The last events of a simulation, put into words only when somebody wants to read them; all of them, as they come, in the
/// file that `CARILLON_TRACE` names, for looking at one seed.
struct Trace {
    private var ring: [() -> String] = []
    private var next = 0
    private let length: Int
    private let file = ProcessInfo.processInfo.environment["CARILLON_TRACE"].flatMap { fopen($0, "a") }

    init(length: Int = 60) { self.length = length }

    mutating func add(_ line: @escaping () -> String) {
        if let file { fputs(Self.text(line) + "\n", file) }
        if ring.count < length {
            ring.append(line)
        } else {
            ring[next] = line
            next = (next + 1) % length
        }
    }

    var lines: [String] { (ring[next...] + ring[..<next]).map(Self.text) }

    private static func text(_ line: () -> String) -> String { String(line().prefix(1_000)) }
}
