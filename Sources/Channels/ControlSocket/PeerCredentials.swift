import CarillonEngine
import Foundation
import NIOCore

/// Who is at the other end of a Unix socket, as the kernel says: `struct ucred` of unix(7), which the C library shows to
/// GNU's own programs only.
struct PeerCredentials {
    var pid: Int32
    var uid: UInt32
    var gid: UInt32

    /// Asks the kernel; nil for a channel that is no socket.
    static func of(_ channel: any Channel) async throws -> PeerCredentials? {
        guard let options = channel as? any SocketOptionProvider else { return nil }
        return try await options.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED)).get()
    }

    /// Whether it is root, or who the daemon runs as.
    var isOwn: Bool { uid == 0 || uid == geteuid() }

    /// The name of the user who connected; without one the number stands.
    var name: String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwuid_r(uid, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name else {
            return "uid \(uid)"
        }
        return String(cString: name)
    }
}
