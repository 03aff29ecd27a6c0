public import CarillonCore
import Foundation

/// An exclusive flock(2) on a file in the state directory, held for as long as this value lives.
public final class StateLock: Sendable {
    private let descriptor: Int32

    /// Throws `StoreError` of code `busy` when another daemon holds the directory.
    public init(directory: String) throws(StoreError) {
        let path = directory + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(.unreachable, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Foundation.close(descriptor)
            throw StoreError(.busy, "another daemon runs in \(directory); give this one a --state of its own")
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
