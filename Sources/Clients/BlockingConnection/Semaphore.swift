import Glibc

/// A counting semaphore of POSIX (sem_overview(7)).
final class Semaphore: @unchecked Sendable {
    // Sendable because sem_post(3) and sem_wait(3) may be called from any thread, and the address never changes.
    private let handle: UnsafeMutablePointer<sem_t>

    init() {
        handle = .allocate(capacity: 1)
        sem_init(handle, 0, 0)
    }

    deinit {
        sem_destroy(handle)
        handle.deallocate()
    }

    func signal() { sem_post(handle) }

    func wait() {
        while sem_wait(handle) != 0 && errno == EINTR {}
    }
}
