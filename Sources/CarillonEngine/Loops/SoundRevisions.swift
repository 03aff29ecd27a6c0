import CarillonCore
import Synchronization

/// Which revisions of jobs were opened and found without a fault. Opening a target takes as long as all else that a list
/// says of its job, and a revision never changes.
final class SoundRevisions: Sendable {
    /// By the number of the job: the last sound revision, 0 for none. Ids are given out from 1 on, so this is dense.
    private let revisions = Mutex<[Int32]>([])
    /// Of jobs with higher ids nothing is kept: 4 bytes a job are 16 MiB here.
    private static let mostJobs = 4 << 20

    func contains(_ job: StoredJob) -> Bool {
        guard let (place, revision) = Self.place(job) else { return false }
        return revisions.withLock { place < $0.count && $0[place] == revision }
    }

    func insert(_ job: StoredJob) {
        guard let (place, revision) = Self.place(job) else { return }
        revisions.withLock {
            if place >= $0.count { $0 += repeatElement(0, count: place + 1 - $0.count) }
            $0[place] = revision
        }
    }

    private static func place(_ job: StoredJob) -> (Int, Int32)? {
        guard (0..<mostJobs).contains(Int(job.id.number)), let revision = Int32(exactly: job.revision) else {
            return nil
        }
        return (Int(job.id.number), revision)
    }
}
