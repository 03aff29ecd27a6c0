import CProcess
import Glibc

/// Starts shims.
final class Spawner: Sendable {
    private let null: Descriptor

    /// Opens `/dev/null`; throws `SystemError` when that cannot be.
    init() throws(SystemError) {
        // Descriptors 0 to 3 are the shim's places: ours must lie above them, whatever the daemon was started with.
        var number: Int32
        repeat {
            number = open("/dev/null", O_RDWR | O_CLOEXEC)
            guard number >= 0 else { throw SystemError("open /dev/null") }
        } while number < 3
        if number == 3 {
            let moved = fcntl(number, F_DUPFD_CLOEXEC, 4)
            close(number)
            guard moved >= 0 else { throw SystemError("open /dev/null") }
            number = moved
        }
        null = Descriptor(owning: number)
    }

    /// Starts a shim with its status file, and with `input` as its program's standard input; throws `SystemError`.
    func start(_ order: ShimOrder, status: borrowing Descriptor, input: String?) throws(SystemError) -> pid_t {
        guard let input else { return try start(order, status: status, descriptor: null) }
        // A file in memory, not a pipe: nobody has to stay and feed it.
        var text = input
        let number = text.withUTF8 { cprocess_memory_file($0.baseAddress, $0.count) }
        guard number >= 0 else { throw SystemError("keep the input of a program") }
        return try start(order, status: status, descriptor: Descriptor(owning: number))
    }

    private func start(
        _ order: ShimOrder, status: borrowing Descriptor, descriptor: borrowing Descriptor
    ) throws(SystemError) -> pid_t {
        let words = CStringArray(order.words)
        let environment = CStringArray(order.environment)
        var child: pid_t = 0
        let code = cprocess_spawn(
            order.words[0], words.pointers, environment.pointers, descriptor.number, null.number, status.number, &child)
        if code != 0 { throw SystemError("start \(order.words[0])", code: code) }
        return child
    }
}
