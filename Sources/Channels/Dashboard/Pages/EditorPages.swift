import CarillonConfiguration
import CarillonCore
import CarillonEngine
import ControlAPI
import Timetable

/// Jobs that people write here: the keys of a job file, and beside them what comes of them, from the one timetable.
extension Dashboard {
    var editorPages: [Endpoint] {
        [
            page(
                "/editor", .jobsRead, "A job's keys, and what comes of them.",
                query: [
                    .init("job", "The job that is changed."), .init("like", "A new one with the keys of this job."),
                ]
            ) { try await $0.edit() },
            Endpoint(.post, "/editor", .jobsRead, "What comes of these keys; with save they are kept.", .init(200)) {
                call in
                try await Visit(self, call).take(try Form(call.body))
            },
        ]
    }
}

/// What stands in the fields of the editor.
private struct Draft {
    var name = ""
    /// Which key says when: cron, every, at, or nothing.
    var kind = "cron"
    var when = ""
    var zone = ""
    /// All other keys, as TOML.
    var rest = ""
    /// Of the job that is changed; nil for a new one.
    var revision: Int64?
    /// The name of the job that is changed.
    var former: String?

    static let kinds = [
        ("cron", "cron, or words such as Friday 10pm"), ("every", "every so long"), ("at", "once, at"),
        ("", "only by hand"),
    ]

    init() {}

    init(_ form: Form) {
        name = form["name"] ?? ""
        kind = form["kind"] ?? ""
        when = form["when"] ?? ""
        zone = form["zone"] ?? ""
        rest = (form["rest"] ?? "").replacing("\r\n", with: "\n")
        revision = form["revision"].flatMap { Int64($0) }
        former = form["former"]
    }

    /// The whole definition, as it would stand in a file.
    var toml: String {
        var lines = ["[[job]]"]
        if !name.isEmpty { lines.append("name = \(TOMLText.quote(name))") }
        if !kind.isEmpty, !when.isEmpty { lines.append("\(kind) = \(TOMLText.quote(when))") }
        if !zone.isEmpty { lines.append("time_zone = \(TOMLText.quote(zone))") }
        if !rest.isEmpty { lines.append(rest) }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Visit {
    func edit() async throws -> Answer {
        var draft = Draft()
        draft.zone = moments.yours?.name ?? ""
        draft.rest = "shell = \"echo hello\"\n"
        if let name = call.query["job"] ?? call.query["like"] {
            // A whole definition may hold secrets.
            try allow(true)
            draft = try await self.draft(of: name)
            if call.query["job"] == nil {
                (draft.revision, draft.former) = (nil, nil)
                draft.name += " 2"
            }
        }
        return try await editor(draft)
    }

    private func draft(of name: String) async throws -> Draft {
        guard case .definition(let job, let revision) = try await ask(.definition(name)) else { throw Unexpected() }
        let node: ConfigNode
        do {
            node = try dashboard.format.write(job)
        } catch let error as TargetFault {
            throw APIError(409, "refused", "\(job.name) belongs to \(job.origin): \(error.message)")
        }
        var draft = Draft()
        (draft.name, draft.former, draft.revision, draft.kind) = (job.name, job.name, revision, "")
        guard case .table(let entries) = node.value else { return draft }
        var rest: [String] = []
        for (key, value) in entries {
            switch (key, value.value) {
            case ("name", _): break
            case ("cron", .string(let text)), ("every", .string(let text)), ("at", .string(let text)):
                (draft.kind, draft.when) = (key, text)
            case ("time_zone", .string(let text)): draft.zone = text
            default: if let text = TOMLText.value(value) { rest.append("\(TOMLText.key(key)) = \(text)") }
            }
        }
        draft.rest = rest.joined(separator: "\n") + "\n"
        return draft
    }

    /// Shows what comes of a form, or keeps it.
    func take(_ form: Form) async throws -> Answer {
        let draft = Draft(form)
        guard form["save"] != nil else { return try await editor(draft) }
        try allow(true)
        do {
            let job = try dashboard.format.job(try node(of: draft), by: call.scopes)
            if let former = draft.former, former != job.name {
                throw APIError.bad("name: a job keeps its name; \(former) is another one", "name")
            }
            let words = try await said(.put(job, replacing: draft.former != nil, revision: draft.revision))
            return .redirect(to: path("jobs", job.name), [("Set-Cookie", Said.setting(words))])
        } catch let error as APIError {
            return try await editor(draft, refused: error)
        }
    }

    private func node(of draft: Draft) throws -> ConfigNode {
        do {
            let document = try ConfigDocument.read(draft.toml, format: .toml, path: "the editor")
            guard case .table(let entries) = document.value, let jobs = entries.first(where: { $0.0 == "job" })?.1,
                case .array(let all) = jobs.value, all.count == 1, entries.count == 1
            else { throw APIError.bad("the other keys are those of one job, without a [[job]] of their own") }
            return all[0]
        } catch let error as ConfigProblem {
            throw APIError.bad("\(error.line.map { "line \($0): " } ?? "")\(error.message)")
        }
    }

    private func editor(_ draft: Draft, refused: APIError? = nil) async throws -> Answer {
        let names = ["America/New_York", "Europe/Berlin", "UTC"] + (moments.yours.map { [$0.name] } ?? [])
        var fields = Fields([
            "name": draft.name, "when": draft.when, "zone": draft.zone, "rest": draft.rest, "revision": draft.revision,
            "former": draft.former, "isNew": draft.former == nil,
            "kinds": Draft.kinds.map { name, words in
                Fields(["name": name, "words": words, "isChosen": name == draft.kind])
            },
            "zones": Set(names).sorted(), "refused": refused?.message, "toml": draft.toml, "maySave": may(.jobsWrite),
            "title": draft.former.map { "Change \($0)" } ?? "New job",
        ])
        if let former = draft.former, let job = try? await job(former), job.origin.feed != Origin.orders.feed {
            // Whoever owns it is asked to change it.
            fields["owner"] = job.origin.description
            fields["maySave"] = false
        }
        do {
            try await preview(draft, &fields)
        } catch let error as APIError {
            if !draft.toml.isEmpty, refused == nil, !draft.name.isEmpty || !draft.when.isEmpty {
                fields["fault"] = error.message
            }
        }
        return page("editor", title: draft.former.map { "Change \($0)" } ?? "New job", at: "/jobs", fields)
    }

    // MARK: What comes of it

    /// Times that are looked at, those that are left out among them.
    private var mostLookedAt: Int { 2_000 }
    private var shownTimes: Int { 10 }

    private func preview(_ draft: Draft, _ fields: inout Fields) async throws {
        var draft = draft
        if draft.name.isEmpty { draft.name = "new" }
        let job: Job
        do {
            job = try dashboard.format.read(try node(of: draft))
        } catch let error as ConfigurationError {
            throw APIError(error.problems)
        }
        guard let schedule = try? job.schedule.compile(job: job.name, zones: dashboard.zones) else {
            fields["words"] = "It runs when somebody asks for it."
            return
        }
        let zone = job.schedule.zone
        var times: [Fields] = []
        var last = now
        var before: Timestamp?
        for _ in 0..<mostLookedAt where times.count < shownTimes {
            guard let time = schedule.next(after: last) else { break }
            last = time
            let left = schedule.exclusion(of: time)
            let changes = before.map { Horizon.changes(in: schedule.zone, from: $0, until: time) } ?? []
            // A list of days that are left out is cut in the middle of none.
            if left != nil, times.count > shownTimes { continue }
            times.append(
                Fields([
                    "time": moments.time(time, zone), "full": moments.full(time, zone), "isLeft": left != nil,
                    "gap": before.map {
                        TimeFormatter.rough(max(1, (time.microseconds - $0.microseconds) / 1_000_000))
                    },
                    "change": changes.first.map { "the clocks go \($0.shiftSeconds > 0 ? "forward" : "back") between" },
                ]))
            before = time
        }
        let month: Int64 = 30 * 86_400_000_000
        let count = schedule.count(after: now.adding(microseconds: -month), through: now, limit: 1_000_000)
        fields["words"] = schedule.english()
        fields["times"] = times
        fields["hasTimes"] = !times.isEmpty
        fields["replayed"] = number(count) + (count == 1_000_000 ? " or more" : "")
        if let next = schedule.next(after: now), let others = try await others(at: next, than: job.name) {
            fields["others"] = Fields([
                "count": number(others), "at": moments.short(next, zone), "isAlone": others == 0,
            ])
        }
    }

    /// Jobs in a daemon that are few enough to be looked through for who else runs at a time.
    private var mostSearched: Int { 20_000 }

    /// Counts the jobs that have a time in the same minute; nil where that would take too long.
    private func others(at time: Timestamp, than name: String) async throws -> Int? {
        guard case .status(let status) = try await ask(.status), status.enabled <= mostSearched else { return nil }
        let minute = Timestamp(seconds: time.seconds - time.seconds % 60)
        let query = AgendaQuery(from: minute, until: minute.adding(microseconds: 59_999_999), limit: 10_000)
        let (lines, _) = try await agenda(query)
        return Set(lines.map(\.job)).subtracting([name]).count
    }
}
