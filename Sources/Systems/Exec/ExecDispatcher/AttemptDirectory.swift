import CProcess
import CarillonCore
import Glibc

/// The status files, one per attempt and named after it.
///
/// A file is created, locked with flock(2) and handed to a shim, which holds the lock as long as it lives: the lock belongs
/// to the open file, and the kernel gives it up with the last process that has it, whatever ends that process. A reboot
/// leaves files without a lock, so nothing else is needed to recognise them.
final class AttemptDirectory: Sendable {
    /// What one look at a status file shows.
    struct Glimpse {
        var status: AttemptStatus
        /// Its shim lives, or is being started.
        var isLocked: Bool
        /// Which file it is (`Descriptor.identity`).
        var file: String
        /// Nothing was started and nothing ever will be.
        var isVoid: Bool { !isLocked && status.claim == nil }
    }

    let path: String
    private let directory: Descriptor

    /// Creates the directory (mode 0700) when there is none; throws `SystemError`.
    init(path: String) throws(SystemError) {
        self.path = path
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw SystemError("create \(path)") }
        let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError("open \(path)") }
        directory = Descriptor(owning: number)
    }

    /// Creates a locked status file, or nil when the attempt has one already: this is what starts it once at most.
    func create(_ attempt: AttemptID) throws(SystemError) -> Descriptor? {
        let flags = O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        let number = openat(directory.number, attempt.description, flags, 0o600)
        if number < 0 {
            if errno == EEXIST { return nil }
            throw SystemError("create a file in \(path)")
        }
        let file = Descriptor(owning: number)
        // Another daemon that came in between may have taken the file for one left behind, and removed it.
        var facts = stat()
        guard flock(number, LOCK_EX | LOCK_NB) == 0, fstat(number, &facts) == 0, facts.st_nlink > 0 else {
            throw SystemError("keep a file in \(path): another daemon works there", code: EBUSY)
        }
        return file
    }

    /// Reads an attempt's file as it is now; nil when the attempt has none.
    func glimpse(_ attempt: AttemptID) -> Glimpse? {
        let number = openat(directory.number, attempt.description, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else { return nil }
        let file = Descriptor(owning: number)
        // The lock first: a shim that is gone by then has written all it had to say.
        let isLocked = isLocked(file)
        return Glimpse(status: status(in: file), isLocked: isLocked, file: file.identity)
    }

    func remove(_ attempt: AttemptID) { unlinkat(directory.number, attempt.description, 0) }

    /// Removes a void file in a way that its creator, should it still be about to start something, notices.
    func removeVoid(_ attempt: AttemptID) -> Bool {
        let number = openat(directory.number, attempt.description, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else { return errno == ENOENT }
        let file = Descriptor(owning: number)
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0, status(in: file).claim == nil else { return false }
        remove(attempt)
        return true
    }

    /// Lists all attempts that have a file.
    func attempts() -> [AttemptID] {
        guard let entries = opendir(path) else { return [] }
        defer { closedir(entries) }
        var found: [AttemptID] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let attempt = AttemptID(name) { found.append(attempt) }
        }
        return found
    }

    /// Why no status file could be written just now, a full disk say; nil when one could.
    var fault: SystemError? {
        let code = cprocess_try_writing(directory.number)
        return code == 0 ? nil : SystemError("write to \(path)", code: code)
    }

    // Three lines of at most 1 KiB.
    private func status(in file: borrowing Descriptor) -> AttemptStatus {
        AttemptStatus(parsing: file.bytes(limit: 4096))
    }

    private func isLocked(_ file: borrowing Descriptor) -> Bool { flock(file.number, LOCK_SH | LOCK_NB) != 0 }
}
