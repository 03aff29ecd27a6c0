import Glibc

/// A thread for code that waits in the kernel or in a C library, where the cooperative pool must not.
public enum BlockingThread {
    /// The system has no thread to spare.
    public struct Unavailable: Error, CustomStringConvertible {
        public var code: Int32
        public var description: String { "cannot start a thread: \(String(cString: strerror(code)))" }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a new thread, which ends with it. The thread blocks every signal.
    ///
    /// `name` is what `ps -L` shows, at most 15 bytes. Throws `Unavailable` when pthread_create(3) fails.
    public static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(Unavailable) {
        let box = Unmanaged.passRetained(
            Body {
                rename(to: name)
                body()
            })
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }

        // The new thread inherits the mask, so there is no moment in which it could take a signal.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { raw in
                guard let raw else { return nil }
                Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        if code != 0 {
            box.release()
            throw Unavailable(code: code)
        }
    }

    private static func rename(to name: String) {
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = write(file, name, min(name.utf8.count, 15))
        close(file)
    }
}
