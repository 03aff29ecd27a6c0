import Foundation

/// A folder held by a descriptor: a link put in its place meanwhile leads nowhere.
final class HeldFolder: Sendable {
    private let descriptor: Int32

    private init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Opens a folder; nil, with errno, when there is none. Links on the way to it are followed.
    convenience init?(path: String) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        self.init(owning: descriptor)
    }

    /// Opens a folder in it, never a link to one; nil, with errno, when there is none.
    func folder(_ name: String) -> HeldFolder? {
        let inner = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        return inner < 0 ? nil : HeldFolder(owning: inner)
    }

    /// Opens the same, made with mode 0700 when there is none.
    func folderMade(_ name: String) -> HeldFolder? {
        if mkdirat(descriptor, name, 0o700) != 0, errno != EEXIST { return nil }
        return folder(name)
    }

    /// Opens a file in it to append to, never a link, made for its owner alone; nil, with errno, when it cannot be had.
    func appending(to name: String) -> UnsafeMutablePointer<FILE>? {
        let file = openat(descriptor, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return nil }
        // What was made before with a wider mode.
        fchmod(file, 0o600)
        guard let stream = fdopen(file, "a") else {
            close(file)
            return nil
        }
        return stream
    }

    /// Says how large a file in it is; nil when there is none.
    func size(of name: String) -> Int64? {
        var facts = stat()
        return fstatat(descriptor, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 ? Int64(facts.st_size) : nil
    }

    func rename(_ name: String, to other: String) { renameat(descriptor, name, descriptor, other) }

    /// Answers 0, also when it was gone, or an errno.
    func remove(file name: String) -> Int32 { unlinkat(descriptor, name, 0) == 0 || errno == ENOENT ? 0 : errno }

    /// Removes an empty folder in it.
    func remove(folder name: String) { unlinkat(descriptor, name, AT_REMOVEDIR) }

    /// The names in it.
    var names: [String] {
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let entries = fdopendir(copy) else { return [] }
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                    String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }
}
