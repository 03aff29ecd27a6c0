import Foundation

/// Whether a crontab has a user column: nothing in the file says so.
package enum CrontabForm {
    /// Finds the first entry whose sixth field looks like a user, with that user; nil when there is none.
    ///
    /// It does when it is `root`, or a user of this machine and no program, and a command follows.
    package static func userColumn(
        in bytes: [UInt8], isUser: (String) -> Bool = isUser, isProgram: (String) -> Bool = isProgram
    ) -> (line: Int, user: String)? {
        for (number, raw) in Crontab.lines(bytes) {
            let text = String(decoding: raw, as: UTF8.self)
            var rest = text.drop(while: Crontab.isBlank)
            guard !rest.isEmpty, !rest.hasPrefix("#"), Crontab.variable(rest) == nil,
                Crontab.fields(&rest) != nil, let word = Crontab.word(&rest), Crontab.word(&rest) != nil
            else { continue }
            if word == "root" || (isUser(word) && !isProgram(word)) { return (number, word) }
        }
        return nil
    }

    package static func isUser(_ name: String) -> Bool {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        return getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0 && found != nil
    }

    package static func isProgram(_ name: String) -> Bool {
        ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].contains {
            access("\($0)/\(name)", X_OK) == 0
        }
    }
}
