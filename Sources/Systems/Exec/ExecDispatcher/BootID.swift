import Glibc

/// Which boot of the machine this is.
enum BootID {
    /// `/proc/sys/kernel/random/boot_id` (random(4)), or `unknown`.
    static let current = read("/proc/sys/kernel/random/boot_id") ?? "unknown"

    /// Whether the machine was started since the last call for this file, which then holds the current boot.
    ///
    /// False when there was no file: nothing is known of an earlier boot.
    static func hasChanged(since path: String) -> Bool {
        let before = read(path)
        if before != current {
            let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            if number >= 0 {
                let file = Descriptor(owning: number)
                _ = write(file.number, current, current.utf8.count)
            }
        }
        return before != nil && before != current
    }

    private static func read(_ path: String) -> String? {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = Descriptor(owning: number)
        let text = file.bytes(limit: 64).prefix { $0 > 0x20 }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }
}
