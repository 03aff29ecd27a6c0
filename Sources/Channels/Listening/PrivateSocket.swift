package import Foundation
package import NIOCore

/// A socket in the file system that is nobody else's from its first moment.
package enum PrivateSocket {
    package struct Unusable: ChannelUnusable {
        package var description: String
    }

    /// The bytes of `sun_path`, unix(7), less the final zero.
    package static let longestPath = 107

    /// Binds a socket at a path where nothing is, its file of mode 0600, or 0660 and a group's. Throws `Unusable`.
    ///
    /// The file gets the mode that the socket had before bind(2): with a chmod(2) afterwards there would be a moment in
    /// which others may connect.
    package static func bind(at path: String, group: gid_t? = nil) throws(Unusable) -> NIOBSDSocket.Handle {
        guard path.utf8.count <= longestPath else {
            throw Unusable(description: "\(path): a socket's path has at most \(longestPath) bytes")
        }
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = socket(AF_UNIX, kind, 0)
        guard socket >= 0 else { throw fault(path) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                fchmod(socket, 0o600) == 0
                    ? Foundation.bind(socket, address, socklen_t(MemoryLayout<sockaddr_un>.size)) : -1
            }
        }
        guard code == 0, listen(socket, 1_024) == 0 else {
            let fault = fault(path)
            close(socket)
            throw fault
        }
        guard let group else { return socket }
        guard chown(path, uid_t.max, group) == 0, chmod(path, 0o660) == 0 else {
            let fault = fault(path)
            close(socket)
            throw fault
        }
        return socket
    }

    /// Removes the file of a socket that nobody listens to any more. Throws `Unusable` where somebody does, or it is something else.
    package static func clear(_ path: String) throws(Unusable) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        guard facts.st_mode & S_IFMT == S_IFSOCK else {
            throw Unusable(description: "\(path): is there, and no socket")
        }
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw fault(path) }
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count <= longestPath else {
            throw Unusable(description: "\(path): a socket's path has at most \(longestPath) bytes")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code != 0 else { throw Unusable(description: "\(path): somebody listens there already") }
        unlink(path)
    }

    private static func fault(_ path: String) -> Unusable {
        Unusable(description: "\(path): the socket cannot be opened: \(String(cString: strerror(errno)))")
    }
}
