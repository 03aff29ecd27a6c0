import Foundation

/// The folder a daemon keeps everything in; made with mode 0700.
enum StateDirectory {
    /// The longest path of a Unix socket, unix(7), without its NUL.
    private static let longestSocket = 107

    static func prepare(_ path: String) throws(Failure) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure.failed("cannot make the state directory \(path): \(error.localizedDescription)")
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            throw Failure.failed("the state directory \(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        guard (path + "/control.sock").utf8.count <= longestSocket else {
            throw Failure.input("the state directory's path is too long for a socket in it: \(path)")
        }
    }

    /// The machine's boot id, random(4); a fixed word where there is none.
    static var bootID: String {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown-boot"
    }
}
