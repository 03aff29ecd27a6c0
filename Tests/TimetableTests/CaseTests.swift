import Testing
import Timetable

/// Every line of the test data, exactly.
@Suite struct CaseTests {
    private static let database = ZoneDatabase()

    @Test(arguments: CaseFile.names)
    func next(file: String) throws {
        for line in try lines(file) {
            guard let next = line.next, let after = line.after else { continue }
            let schedule = try schedule(line)
            var instant = try #require(Timestamp(rfc3339: after))
            var got: [String] = []
            for _ in 0..<max(next.count, 1) {
                guard let found = schedule.next(after: instant) else { break }
                got.append(found.rfc3339)
                instant = found
            }
            #expect(
                next == (next.isEmpty ? got : Array(got.prefix(next.count))), "\(line): expected \(next), got \(got)")
        }
    }

    @Test(arguments: CaseFile.names)
    func previousIsTheMirrorImage(file: String) throws {
        for line in try lines(file) {
            guard let next = line.next, let after = line.after else { continue }
            let schedule = try schedule(line)
            let start = try #require(Timestamp(rfc3339: after))
            guard let last = next.last.flatMap({ Timestamp(rfc3339: $0) }) else {
                let previous = schedule.previous(before: .distantFuture)
                #expect(
                    previous == nil || previous.map { $0 <= start } == true,
                    "\(line): got \(String(describing: previous))")
                continue
            }
            var instant = last.adding(microseconds: 1)
            var got: [String] = []
            while got.count < next.count, let found = schedule.previous(before: instant) {
                got.append(found.rfc3339)
                instant = found
            }
            #expect(got.reversed() == next, "\(line): walking back expected \(next), got \(Array(got.reversed()))")
            let before = schedule.previous(before: instant)
            #expect(
                before == nil || before.map { $0 <= start } == true,
                "\(line): one too many, \(String(describing: before))")
        }
    }

    @Test(arguments: CaseFile.names)
    func matches(file: String) throws {
        for line in try lines(file) {
            let schedule = line.match == nil ? nil : try schedule(line)
            for (texts, expected) in [(line.match ?? [], true), (line.nomatch ?? [], false)] {
                for text in texts {
                    let instant = try #require(Timestamp(rfc3339: text))
                    let found = schedule?.next(after: instant.adding(microseconds: -1))
                    #expect(
                        (found == instant) == expected,
                        "\(line): match \(text) should be \(expected), next is \(String(describing: found))")
                }
            }
        }
    }

    @Test(arguments: ["invalid", "valid_edge", "croner_accept_reject"])
    func acceptOrReject(file: String) throws {
        for line in try lines(file) {
            let accepted: Bool
            do {
                _ = try Schedule.Rule.cron(parsing: line.expr, dialect: line.dialect ?? .unix, hashKey: nil)
                accepted = true
            } catch {
                accepted = false
                #expect(!error.message.isEmpty)
            }
            #expect(accepted == (line.recommended == "accept"), "\(line): expected \(line.recommended ?? "-")")
        }
    }

    @Test(arguments: ["nicknames", "ext_lw", "year7"])
    func otherSpellingsMeanTheSame(file: String) throws {
        for line in try lines(file) {
            guard let after = line.after.flatMap({ Timestamp(rfc3339: $0) }) else { continue }
            var other = line
            if let equivalent = line.equivalent {
                other.expr = equivalent
            } else if let quartz = line.quartzExpr {
                (other.expr, other.dialect) = (quartz, .quartz)
            }
            var instant = after
            let (left, right) = (try schedule(line), try schedule(other))
            for _ in 0..<5 {
                let found = left.next(after: instant)
                #expect(right.next(after: instant) == found, "\(line) is not \(other)")
                guard let found else { break }
                instant = found
            }
        }
    }

    @Test func everyLineIsRead() throws {
        let count = try CaseFile.names.map { try CaseFile.lines($0).count }.reduce(0, +)
        #expect(count == 1583)
    }

    /// The lines that hold under the database of this machine.
    private func lines(_ file: String) throws -> [CaseLine] {
        try CaseFile.lines(file).filter {
            Self.database.version == "2025b" || $0.tags?.contains("tzdata-2025b-only") != true
        }
    }

    private func schedule(_ line: CaseLine) throws -> Schedule {
        let anchor = line.anchor.flatMap { Timestamp(rfc3339: $0) } ?? Timestamp(seconds: 0)
        let rule = try Schedule.Rule.cron(
            parsing: line.expr, dialect: line.dialect ?? .unix, hashKey: nil, anchor: anchor)
        return Schedule(rule: rule, zone: try Self.database.zone(line.tz ?? "UTC"))
    }
}
