import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

/// How a change of a job is made: what differs is shown, and then done or not.
struct ChangeOptions: ParsableArguments {
    @Flag(help: "Show what would change, and change nothing.") var dryRun = false
    @Flag(help: "Print one JSON object.") var json = false

    /// The keys that a job's definition gives.
    func keys(of job: Job) throws -> Swift.Set<String> {
        guard case .table(let entries) = try JobText.writer.table(job).value else { return [] }
        return Swift.Set(entries.map(\.key))
    }

    /// Adds a job, or puts it in place of the one that is known, if that is still the last.
    func make(_ job: Job, over known: (job: Job, revision: Int64)?, place: DaemonLocation) async throws {
        var difference: [String] = []
        if let known {
            difference = try Self.difference(from: known.job, to: job)
            if difference.isEmpty { return try answer(job, "\(job.name) is as it was", difference) }
        }
        if !json {
            for line in difference {
                say(Terminal.paint(line, line.hasPrefix("-") ? .red : .green))
            }
        }
        if dryRun {
            return try answer(
                job, "\(job.name) would be \(known == nil ? "added" : "changed"); nothing was done", difference)
        }
        let sentence = try await DaemonClient(place: place).done(
            .put(job, replacing: known != nil, revision: known?.revision))
        try answer(job, sentence, difference)
    }

    private func answer(_ job: Job, _ sentence: String, _ difference: [String]) throws {
        if json {
            try say(json: JSONObject([("job", job.name), ("done", sentence), ("difference", difference)]))
        } else {
            say("\(sentence)")
        }
    }

    /// The lines of a job file that go and come, as diff(1) marks them; of a secret only that it differs.
    private static func difference(from old: Job, to new: Job) throws -> [String] {
        let (before, after) = (try lines(old), try lines(new))
        func missing(_ lines: [Line], in others: [Line]) -> [Line] {
            lines.filter { line in !others.contains { $0.key == line.key && $0.whole == line.whole } }
        }
        let (gone, come) = (missing(before, in: after), missing(after, in: before))
        let hidden = gone.filter { line in come.contains { $0.shown == line.shown } }.map(\.shown)
        return hidden.map { "~ \($0)   (a secret differs)" }
            + gone.filter { !hidden.contains($0.shown) }.map { "- " + $0.shown }
            + come.filter { !hidden.contains($0.shown) }.map { "+ " + $0.shown }
    }

    private struct Line {
        var key: String
        var shown: String
        /// With its secrets.
        var whole: String
    }

    private static func lines(_ job: Job) throws -> [Line] {
        let table = try JobText.writer.table(job)
        guard case .table(let entries) = table.value, case .table(let masked) = table.masked.value else { return [] }
        return try zip(entries, masked).map { entry, shown in
            let whole = try PublicJSON.encode(entry.value)
            let text = try TOMLText.value(shown.value) ?? PublicJSON.encode(shown.value)
            return Line(key: entry.key, shown: "\(entry.key) = \(text)", whole: whole)
        }
    }
}

/// Jobs as the tables and files that people write.
struct JobText {
    static var writer: JobWriter { JobWriter(targets: Composition.current.targets) }

    private let place: DaemonLocation

    init(_ place: DaemonLocation) { self.place = place }

    /// A job's table. Throws `Failure` for one that no key of a job file says.
    func table(_ job: Job) throws(Failure) -> ConfigNode {
        do {
            return try Self.writer.table(job)
        } catch {
            throw Failure.failed("\(job.name) belongs to \(job.origin): \(error.message)")
        }
    }

    func toml(_ job: Job) throws(Failure) -> String {
        do {
            return try Self.writer.toml(job)
        } catch {
            throw Failure.failed("\(job.name): \(error.message)")
        }
    }

    /// Reads a table as a job. Throws `Failure` with all that is wrong with it.
    func job(_ table: ConfigNode, name: String, source: String) throws -> Job {
        let zones = ZoneDatabase()
        let reader = JobReader(
            targets: Composition.current.targets, zones: zones, defaultZone: try place.settings(zones: zones).timeZone,
            directory: FileManager.default.currentDirectoryPath)
        switch reader.read(table, source: source, place: name) {
        case .success(let job): return job
        case .failure(let error): throw Failure.input(error.description)
        }
    }

    /// Reads the one job of a file, which must have this name.
    func job(file path: String, name: String) throws -> Job {
        let document: ConfigNode
        do throws(ConfigProblem) {
            document = try ConfigDocument.read(path: path)
        } catch {
            throw Failure.input(error.description)
        }
        guard case .array(let tables)? = document["job"]?.value, tables.count == 1 else {
            throw Failure.input("\(path): expected one job, under [[job]]")
        }
        let job = try job(tables[0], name: name, source: path)
        guard job.name == name else {
            throw Failure.input("\(path): a job keeps its name; `carillon jobs copy` makes one of another name")
        }
        return job
    }

    /// `key=value` as a table; the key may be dotted as in TOML, and the value is TOML or plain text.
    static func assignment(_ pair: String, option: String) throws(Failure) -> ConfigNode {
        guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
            throw Failure.input("\(option): expected KEY=VALUE, found '\(pair)'")
        }
        let (key, value) = (pair[..<equals], String(pair[pair.index(after: equals)...]))
        for text in [value, TOMLText.quote(value)] {
            if let read = try? ConfigDocument.read("\(key) = \(text)", format: .toml, path: option) { return read }
        }
        throw Failure.input("\(option): '\(key)' is no key of a job")
    }

    /// Sets a key of a job's table, or takes it away when the value is empty.
    func set(_ pair: String, in table: inout ConfigNode) throws(Failure) {
        let assignment = try Self.assignment(pair, option: "key")
        guard case .table(let entries) = assignment.value, let (key, value) = entries.first else { return }
        for group in Self.groups where group.contains(key) {
            for other in group where other != key { table.remove(other) }
        }
        if pair.firstIndex(of: "=") == pair.index(before: pair.endIndex) {
            return table.remove(path: Self.path(of: assignment))
        }
        table.replace(key, value)
    }

    /// Keys of which a job has one.
    private static var groups: [[String]] {
        [["cron", "every", "at", "day_time"], Composition.current.targets.flatMap { $0.chosenBy }]
    }

    /// The keys that lead to what was assigned.
    private static func path(of node: ConfigNode) -> [String] {
        guard case .table(let entries) = node.value, let (key, value) = entries.first else { return [] }
        return [key] + path(of: value)
    }
}
