import CProcess
import CarillonCore
import Glibc

/// What a program leaves running when its shim was killed.
///
/// Numbers are reused, so a process counts as the program's only by proof: the variables its program was started with, a
/// parent that has proof, the very start the shim wrote down, or a session that somebody with proof is still in.
struct OrphanReaper {
    enum Fate: Equatable {
        case none
        case killed
        /// They could not be killed, or are still ending.
        case left([pid_t])
        /// Its session has members, and none of them proves whose it is.
        case unknown([pid_t])

        /// What follows "its shim was killed".
        var words: String {
            switch self {
            case .none: ""
            case .killed: "; what was left of the program has been killed too"
            case .left(let processes): "; of its program there is still \(Self.list(processes))"
            case .unknown(let processes): "; \(Self.list(processes)) may be of its program, and was left alone"
            }
        }

        private static func list(_ processes: [pid_t]) -> String {
            let shown = processes.prefix(10).map { "\($0)" }.joined(separator: ", ")
            return (processes.count == 1 ? "process " : "processes ") + shown + (processes.count > 10 ? ", …" : "")
        }
    }

    private let claim: AttemptStatus.Claim?
    private let start: AttemptStatus.Start?
    private let proof: Set<[UInt8]>
    // Each round kills all there are; a program that multiplies meanwhile loses its parents to the next.
    private static let rounds = 50
    private static let patience: Int32 = 40

    /// Takes facts of a program in this boot whose status file is no copy; of any other there is nothing to know.
    init(_ attempt: AttemptID, _ glimpse: AttemptDirectory.Glimpse) {
        let isOurs = glimpse.status.claim?.bootID == BootID.current && glimpse.status.claim?.file == glimpse.file
        claim = isOurs ? glimpse.status.claim : nil
        start = glimpse.status.start
        proof = [
            Array("\(ChildEnvironment.run)=\(attempt.run)".utf8),
            Array("\(ChildEnvironment.attempt)=\(attempt.attempt)".utf8),
            Array("\(ChildEnvironment.mark)=\(glimpse.file)".utf8),
        ]
    }

    /// Kills them, so that a retry never runs beside them, and waits until they are gone, two seconds at most.
    func end() -> Fate {
        guard let claim else { return .none }
        // By their starts.
        var killed: [pid_t: UInt64] = [:]
        for _ in 0..<Self.rounds {
            let processes = others()
            let found = members(of: processes)
            if found.isEmpty {
                // What was killed proves nothing any more: its variables go before it does.
                if let ending = processes.first(where: { killed[$0.pid] == $0.ticks }) {
                    awaitEnd(of: ending)
                    continue
                }
                let doubtful = processes.filter { $0.session == claim.shim }.map(\.pid)
                if !doubtful.isEmpty { return .unknown(doubtful.sorted()) }
                return killed.isEmpty ? .none : .killed
            }
            for process in found {
                killed[process.pid] = process.ticks
                kill(process)
            }
            if let first = found.first { awaitEnd(of: first) }
        }
        let processes = others()
        let left = members(of: processes) + processes.filter { killed[$0.pid] == $0.ticks }
        return left.isEmpty ? .killed : .left(Set(left.map(\.pid)).sorted())
    }

    // A program may have started this daemon, which has its variables then.
    private func others() -> [ProcessFacts] { ProcessFacts.all().filter { $0.pid != getpid() } }

    /// Finds all that are proven, whose parent is, or whose session has somebody who is.
    private func members(of processes: [ProcessFacts]) -> [ProcessFacts] {
        var members = Set(processes.filter(isProven).map(\.pid))
        if members.isEmpty { return [] }
        let holdsSession = processes.contains { members.contains($0.pid) && $0.session == claim?.shim }
        if holdsSession { members.formUnion(processes.filter { $0.session == claim?.shim }.map(\.pid)) }
        var count = 0
        while count != members.count {
            count = members.count
            members.formUnion(processes.filter { members.contains($0.parent) }.map(\.pid))
        }
        return processes.filter { members.contains($0.pid) && $0.pid > 1 }
    }

    private func isProven(_ process: ProcessFacts) -> Bool {
        if let start, process.pid == start.pid, process.ticks == start.ticks { return true }
        return proof.isSubset(of: process.variables())
    }

    /// Kills by descriptor, and only while the number still means the one that was looked at.
    private func kill(_ process: ProcessFacts) {
        let number = cprocess_open(process.pid)
        guard number >= 0 else { return }
        let held = Descriptor(owning: number)
        guard ProcessFacts(process.pid)?.ticks == process.ticks else { return }
        _ = cprocess_kill_open(held.number)
    }

    /// Waits for one of them, since what ends does so at once, and a round takes no longer for many that cannot.
    private func awaitEnd(of process: ProcessFacts) {
        let number = cprocess_open(process.pid)
        guard number >= 0 else { return }
        let held = Descriptor(owning: number)
        _ = cprocess_has_ended(held.number, Self.patience)
    }
}
