import CarillonCore

/// What the files of this machine say, where several machines share a store.
///
/// They are compared with what the same machine has said before, not with the store: only a file that changed writes. So a machine
/// without files removes nothing, several with one file agree, and a job goes with the last machine that has it.
struct OwnFiles {
    private let machine: String
    /// What the machine says of each job as far as the store knows.
    private let said: [String: Declaration]
    private let stored: [String: StoredJobDigest]
    /// Jobs of its files as the store has them, each with the file of this machine: those that it has, or had, and nobody else.
    let known: [StoredJobDigest]

    private(set) var changed: [(job: Job, id: JobID?)] = []
    private(set) var declarations: [Declaration] = []
    /// Jobs that it says something of for the first time, and that others have said something else of.
    private var unsure: [(job: Job, stored: StoredJobDigest, digest: UInt64)] = []

    /// Reads what it has said of the jobs of a feed.
    static func read(_ store: any JobStore, machine: String, of stored: [StoredJobDigest]) async throws -> OwnFiles {
        let mine = try await store.declarations(by: machine)
        let former = Set(mine.filter { !$0.isCurrent }.map(\.job))
        let claimed = Set(try await store.declarations(of: former.sorted()).filter(\.isCurrent).map(\.job))
        return OwnFiles(machine, mine, orphans: former.subtracting(claimed), stored)
    }

    private init(_ machine: String, _ mine: [Declaration], orphans: Set<String>, _ stored: [StoredJobDigest]) {
        self.machine = machine
        self.stored = Dictionary(stored.map { ($0.name, $0) }) { first, _ in first }
        said = Dictionary(mine.filter(\.isCurrent).map { ($0.job, $0) }) { $1 }
        let sources = Dictionary(mine.map { ($0.job, $0.source) }) { $1 }
        known = stored.compactMap { [said] job in
            guard said[job.name] != nil || orphans.contains(job.name) else { return nil }
            var job = job
            job.source = said[job.name]?.source ?? sources[job.name] ?? job.source
            return job
        }
    }

    /// Takes a job of the files; `isEqual` compares it with what the store has.
    mutating func take(_ job: Job, _ digest: UInt64, isFaulty: Bool, isEqual: (StoredJobDigest) -> Bool) {
        guard let there = stored[job.name] else { return write(job, nil, digest) }
        let before = said[job.name]
        if let before, before.digest == digest {
            // One that cannot be read is healed by what it was made from, and by nothing older.
            if isFaulty, isEqual(there) {
                write(job, there.id, digest)
            } else if before.source != job.origin.source {
                declare(job, digest)
            }
        } else if isEqual(there), !isFaulty {
            declare(job, digest)
        } else if before != nil || isEqual(there) {
            write(job, there.id, digest)
        } else {
            unsure.append((job, there, digest))
        }
    }

    private mutating func write(_ job: Job, _ id: JobID?, _ digest: UInt64) {
        changed.append((job, id))
        declare(job, digest)
    }

    /// What it is about to write, as the machine's before that is there: nobody takes it for a job that is gone. It is of no digest
    /// yet.
    static func claims(_ jobs: [Job], machine: String) -> [Declaration] {
        jobs.map { Declaration(machine: machine, job: $0.name, source: $0.origin.source, digest: 0) }
    }

    private mutating func declare(_ job: Job, _ digest: UInt64) {
        declarations.append(Declaration(machine: machine, job: job.name, source: job.origin.source, digest: digest))
    }

    /// Writes what is new of the jobs that others know otherwise. What any of them has said before is an old file: it is left, and
    /// said.
    mutating func settle(in store: any JobStore) async throws -> [ConfigProblem] {
        if unsure.isEmpty { return [] }
        let before = try await store.declarations(of: unsure.map(\.job.name))
        var left: [ConfigProblem] = []
        for (job, there, digest) in unsure {
            if before.contains(where: { $0.job == job.name && $0.digest == digest }) {
                // It says so all the same: then the job does not go with the other.
                declare(job, digest)
                left.append(
                    ConfigProblem(
                        source: job.origin.source, job: job.name,
                        message: "differs from the definition in use, which \(there.source) gave another machine"))
            } else {
                write(job, there.id, digest)
            }
        }
        unsure = []
        return left
    }

    /// Withdraws what the files lack by now; answers those jobs that no machine has any more.
    static func withdraw(
        _ gone: [StoredJobDigest], in store: any JobStore, machine: String
    ) async throws -> [StoredJobDigest] {
        // Before the others are asked: two that lose a job at the same moment see that of each other.
        let names = Set(gone.map(\.name))
        let mine = try await store.declarations(by: machine).filter { $0.isCurrent && names.contains($0.job) }
        try await store.declare(
            mine.map { declaration in
                var declaration = declaration
                declaration.isCurrent = false
                return declaration
            })
        let claimed = Set(try await store.declarations(of: names.sorted()).filter(\.isCurrent).map(\.job))
        return gone.filter { !claimed.contains($0.name) }
    }
}
