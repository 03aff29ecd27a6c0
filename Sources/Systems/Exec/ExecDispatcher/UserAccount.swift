import Glibc

/// Who a program runs as.
struct UserAccount: Hashable, Sendable {
    var name: String
    var home: String
    var user: uid_t
    var group: gid_t
    /// Supplementary groups, the first one included.
    var groups: [gid_t]

    /// Answers the user of this process; from its environment when the system's user database has no entry.
    static func current(environment: [String: String]) -> UserAccount {
        let user = geteuid()
        if let account = try? find({ getpwuid_r(user, $0, $1, $2, $3) }) { return account }
        return UserAccount(
            name: environment["USER"] ?? "\(user)", home: environment["HOME"] ?? "/", user: user, group: getegid(),
            groups: [])
    }

    /// Finds a user; may ask the network (NSS), so never on the cooperative pool. Nil when there is no such user;
    /// throws when nobody can tell.
    static func named(_ name: String) throws(SystemError) -> UserAccount? {
        guard var account = try find({ getpwnam_r(name, $0, $1, $2, $3) }) else { return nil }
        var count: Int32 = 64
        repeat {
            // More groups than the kernel takes: the list is short of memory, not of room.
            guard count <= 65_536 else { throw SystemError("look up the groups of '\(name)'", code: ENOMEM) }
            account.groups = [gid_t](repeating: 0, count: Int(count))
        } while getgrouplist(name, account.group, &account.groups, &count) < 0
        account.groups.removeLast(account.groups.count - Int(count))
        return account
    }

    private typealias Lookup = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    private static func find(_ lookup: Lookup) throws(SystemError) -> UserAccount? {
        var size = 1024
        while size <= 1 << 20 {
            let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
            defer { buffer.deallocate() }
            var entry = passwd()
            var found: UnsafeMutablePointer<passwd>?
            let code = lookup(&entry, buffer, size, &found)
            if code == ERANGE {
                size *= 4
                continue
            }
            guard found != nil else {
                // Not found has many names, getpwnam_r(3).
                if [0, ENOENT, ESRCH, EBADF, EPERM].contains(code) { return nil }
                throw SystemError("look up a user", code: code)
            }
            return UserAccount(
                name: String(cString: entry.pw_name), home: String(cString: entry.pw_dir), user: entry.pw_uid,
                group: entry.pw_gid, groups: [])
        }
        return nil
    }
}
