public import CarillonCore
import Glibc

/// Where the output of a run is kept, all its attempts in one file.
public enum RunLog {
    /// Answers `logs/<escaped job>/<run id>.log` in a state directory; it exists once a run has written something.
    public static func path(of run: RunID, job: String, in stateDirectory: String) -> String {
        "\(directory(of: job, in: stateDirectory))/\(run).log"
    }

    static func directory(of job: String, in stateDirectory: String) -> String {
        "\(stateDirectory)/logs/\(PathName.escape(job))"
    }

    /// Removes a run's log, and its job's folder when that was the last one.
    static func remove(_ run: RunID, job: String, in stateDirectory: String) {
        guard unlink(path(of: run, job: job, in: stateDirectory)) == 0 else { return }
        rmdir(directory(of: job, in: stateDirectory))
    }

    /// Reads at most `limit` bytes of a log, from an offset on; none past its end, and where there is none. Throws
    /// `SystemError`.
    static func read(
        _ run: RunID, job: String, in stateDirectory: String, from offset: Int64, limit: Int
    ) throws(SystemError) -> [UInt8] {
        let path = path(of: run, job: job, in: stateDirectory)
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else {
            if errno == ENOENT { return [] }
            throw SystemError("read \(path)")
        }
        return Descriptor(owning: number).bytes(from: offset, limit: limit)
    }

    /// Reads the end of an attempt's output: at most `limit` bytes of valid UTF-8 without NUL, or nil for none.
    ///
    /// `count` is how many bytes the attempt itself wrote, since earlier attempts share the file.
    static func tail(of path: String, count: Int64, limit: Int = 2048) -> String? {
        guard count > 0, case let number = open(path, O_RDONLY | O_CLOEXEC), number >= 0 else { return nil }
        let file = Descriptor(owning: number)
        let size = Int64(lseek(number, 0, SEEK_END))
        let wanted = min(size, count, Int64(limit))
        guard wanted > 0 else { return nil }
        let bytes = file.bytes(from: size - wanted, limit: Int(wanted))
        // A cut through a character leaves up to three bytes of it in front.
        let cut = wanted < count ? bytes.prefix(3).prefix { $0 & 0xC0 == 0x80 }.count : 0
        var text = String(decoding: bytes.dropFirst(cut).map { $0 == 0 ? 0xFF : $0 }, as: UTF8.self)
        // Bytes that were no UTF-8 have grown into three.
        while text.utf8.count > limit { text.unicodeScalars.removeFirst() }
        return text.isEmpty ? nil : text
    }
}
