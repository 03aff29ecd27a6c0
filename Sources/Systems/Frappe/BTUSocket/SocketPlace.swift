import Foundation
import Listening

/// The socket's file: who may use it, and whether somebody does.
struct SocketPlace: Sendable {
    let path: String
    let group: String?

    /// Removes what a crash left; never what somebody listens on, nor what is no socket.
    func clear() throws {
        let longest = PrivateSocket.longestPath
        guard path.utf8.count <= longest else {
            throw BTUSocket.Unusable(description: "\(path): a socket's path has at most \(longest) bytes")
        }
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        guard info.st_mode & S_IFMT == S_IFSOCK else {
            throw BTUSocket.Unusable(description: "\(path): there is a file that is no socket")
        }
        guard !isLive else {
            throw BTUSocket.Unusable(description: "\(path): another daemon listens there; stop it first")
        }
        unlink(path)
    }

    private var isLive: Bool {
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // A full backlog is a life as well.
        return code == 0 || errno == EAGAIN || errno == EINPROGRESS
    }

    /// Sets mode and group, as the app's own user needs them.
    func dress() throws {
        if let group {
            guard let id = Self.id(ofGroup: group) else {
                throw BTUSocket.Unusable(description: "there is no group '\(group)' for the socket \(path)")
            }
            guard chown(path, uid_t.max, id) == 0 else {
                throw BTUSocket.Unusable(
                    description:
                        "\(path): cannot be given to the group '\(group)': \(String(cString: strerror(errno)).lowercased())"
                )
            }
        }
        chmod(path, 0o775)
    }

    private static func id(ofGroup name: String) -> gid_t? {
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        // Groups of a directory service may have thousands of members in one record.
        var buffer = [CChar](repeating: 0, count: 1 << 20)
        guard getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return entry.gr_gid
    }
}
