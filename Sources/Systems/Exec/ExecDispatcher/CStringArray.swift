import Glibc

/// Strings as execve(2) takes them: in one block of memory, ended by a null pointer.
struct CStringArray: ~Copyable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let bytes: UnsafeMutablePointer<CChar>

    init(_ strings: [String]) {
        pointers = .allocate(capacity: strings.count + 1)
        bytes = .allocate(capacity: strings.reduce(0) { $0 + $1.utf8.count + 1 } + 1)
        var next = bytes
        for (index, string) in strings.enumerated() {
            (pointers + index).initialize(to: next)
            for byte in string.utf8 {
                next.initialize(to: CChar(bitPattern: byte))
                next += 1
            }
            next.initialize(to: 0)
            next += 1
        }
        (pointers + strings.count).initialize(to: nil)
    }

    deinit {
        pointers.deallocate()
        bytes.deallocate()
    }
}
