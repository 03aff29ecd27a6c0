import CProcess
import Glibc

/// A shim, as far as it is known, and never another process.
enum Shim: Sendable {
    /// Its process is being made.
    case starting
    /// Our child: its number is not given to another process before `reap`.
    case child(pid_t)
    /// The child of an earlier daemon, known by its status file only.
    case unpinned
    /// The same, held by pidfd_open(2).
    case pinned(PinnedProcess)

    var isChild: Bool { if case .child = self { true } else { false } }

    /// Asks for the end of its program, by force after `grace` microseconds; false when it must be asked later.
    func terminate(grace: Int64) -> Bool {
        // The shim counts milliseconds in 31 bits, which is 24 days.
        let milliseconds = Int32(clamping: max(0, grace) / 1000 + (grace % 1000 > 0 ? 1 : 0))
        switch self {
        case .child(let pid): _ = cprocess_cancel_child(pid, milliseconds)
        case .pinned(let process): _ = cprocess_cancel_open(process.descriptor.number, milliseconds)
        case .starting, .unpinned: return false
        }
        return true
    }

    /// Waits for a shim that has ended or is about to; its exit code when it is known.
    ///
    /// Waiting by number, instead of ignoring SIGCHLD, leaves the other children of the process alone, keeps the number
    /// taken while somebody may still send it a signal, and tells how a shim failed.
    func reap() -> Int32? {
        switch self {
        case .child(let pid):
            var ending: Int32 = 0
            var answer: pid_t
            repeat { answer = waitpid(pid, &ending, 0) } while answer < 0 && errno == EINTR
            return answer == pid && ending & 0x7F == 0 ? ending >> 8 & 0xFF : nil
        case .pinned(let process):
            // After an upgrade by exec(2) it is still our child.
            var information = siginfo_t()
            waitid(P_PIDFD, id_t(process.descriptor.number), &information, WEXITED)
            return nil
        case .starting, .unpinned: return nil
        }
    }
}

/// A process held by a descriptor, so that its number cannot come to mean another.
final class PinnedProcess: Sendable {
    let descriptor: Descriptor

    /// Pins a process; nil when it is gone. Whoever does makes sure afterwards that it is the one that was meant.
    init?(_ pid: pid_t) {
        let number = cprocess_open(pid)
        guard number >= 0 else { return nil }
        descriptor = Descriptor(owning: number)
    }
}
