public import CarillonCore
import Foundation
public import Timetable

/// A task's log in keiji's place and form: one line `time=… level=… msg=…` for each line of output.
public struct KeijiLog: Sendable {
    private let folders: KeijiFolders
    private let zone: Zone
    /// Bytes past which a log is renamed to `….log.1`.
    private let largest: Int64
    /// Where a run's output is.
    private let output: @Sendable (Run) -> String

    /// What a log that nobody bounded grows to.
    public static let usual: Int64 = 10 << 20

    /// Bounds logs also where keiji's settings do not ask for it.
    public init(folders: KeijiFolders, zone: Zone, largest: Int64?, output: @escaping @Sendable (Run) -> String) {
        self.folders = folders
        self.zone = zone
        self.largest = largest ?? Self.usual
        self.output = output
    }

    /// Appends what the run wrote; a failed one's lines are errors, and its own error follows.
    func append(_ run: Run, of task: KeijiTask) async {
        let source = output(run)
        // Files may be on a slow disk: not on one of the few threads of the pool.
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            DispatchQueue.global().async {
                append(run, from: source, of: task)
                done.resume()
            }
        }
    }

    private func append(_ run: Run, from source: String, of task: KeijiTask) {
        var lines = RunOutput.lines(of: source, run: "\(run.id)")
        let isError = run.state == .failed
        if isError, let error = run.outcome.error { lines.append("[ task error ]: \(error)") }
        guard !lines.isEmpty, let folder = folders.logFolder(of: task) else { return }
        let name = task.slug + ".log"
        if folder.size(of: name) ?? 0 >= largest { folder.rename(name, to: name + ".1") }
        guard let file = folder.appending(to: name) else { return }
        defer { fclose(file) }
        let level = isError ? "ERROR" : "INFO"
        let time = run.endedAt ?? run.createdAt
        for line in lines { fputs(Self.line(time, zone, level, line) + "\n", file) }
    }

    /// Writes as Go's `slog.TextHandler` does: milliseconds, and quotes where a word needs them.
    public static func line(_ time: Timestamp, _ zone: Zone, _ level: String, _ message: String) -> String {
        "time=\(time.text(in: zone, milliseconds: true)) level=\(level) msg=\(word(message))"
    }

    public static func word(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7f && $0 != "\"" && $0 != "=" }
        if isPlain { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
