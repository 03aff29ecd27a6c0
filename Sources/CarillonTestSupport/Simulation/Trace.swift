/// The last events of a simulation, put into words only when somebody wants to read them.
struct Trace {
    private var ring: [() -> String] = []
    private var next = 0
    private let length: Int

    init(length: Int = 60) { self.length = length }

    mutating func add(_ line: @escaping () -> String) {
        if ring.count < length {
            ring.append(line)
        } else {
            ring[next] = line
            next = (next + 1) % length
        }
    }

    var lines: [String] { (ring[next...] + ring[..<next]).map { String($0().prefix(1_000)) } }
}
