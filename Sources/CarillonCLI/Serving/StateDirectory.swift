import CarillonConfiguration
import CarillonDaemon
import CommandSupport
import Foundation

/// The folder a daemon keeps everything in: its own, with mode 0700.
enum StateDirectory {
    /// The longest path of a Unix socket, unix(7), without its NUL.
    private static let longestSocket = 107

    /// Makes it, or makes sure of it; answers what had to be changed. Throws `Failure`.
    static func prepare(_ path: String) throws(Failure) -> String? {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure.failed("cannot make the state directory \(path): \(error.localizedDescription)")
        }
        let change = try own(path)
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            throw Failure.failed("the state directory \(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        guard (path + "/control.sock").utf8.count <= longestSocket else {
            throw Failure.input("the state directory's path is too long for a socket in it: \(path)")
        }
        return change
    }

    private static func own(_ path: String) throws(Failure) -> String? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        let user = geteuid()
        guard facts.st_uid == user else {
            let (theirs, ours) = (FileTrust.name(ofUser: facts.st_uid), FileTrust.name(ofUser: user))
            throw Failure.input(
                "the state directory \(path) belongs to \(theirs), who would decide what runs as \(ours): "
                    + "chown -R \(ours) \(FileTrust.quoted(path))")
        }
        try checkContents(path)
        guard facts.st_mode & 0o077 != 0 else { return nil }
        guard chmod(path, 0o700) == 0 else {
            throw Failure.failed("the state directory \(path): \(String(cString: strerror(errno)))")
        }
        return "the state directory was open to others (mode 0\(String(facts.st_mode & 0o7777, radix: 8))); "
            + "it has mode 0700 now"
    }

    /// Nothing in it may be somebody else's: a store, an attempt or a log that was put there would be believed.
    private static func checkContents(_ path: String) throws(Failure) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let ours = [geteuid(), 0]
        for name in names {
            var facts = stat()
            guard lstat(path + "/" + name, &facts) == 0, !ours.contains(facts.st_uid) else { continue }
            throw Failure.input(
                "\(path)/\(name) belongs to \(FileTrust.name(ofUser: facts.st_uid)), and what is in a state directory is "
                    + "believed: move it away, or chown -R \(FileTrust.name(ofUser: geteuid())) \(FileTrust.quoted(path))"
            )
        }
    }

    /// The machine's boot id, random(4); a fixed word where there is none.
    static var bootID: String {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown-boot"
    }
}
