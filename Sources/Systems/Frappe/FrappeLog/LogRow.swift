public import CarillonCore
public import FrappeFeed
public import Timetable

/// A row of a site's log that says why no worker started a run.
public struct LogRow: Hashable, Sendable {
    public struct Field: Hashable, Sendable {
        public var column: String
        /// Numbers and times are texts as well: the database knows its columns.
        public var text: String

        public init(_ column: String, _ text: String) {
            self.column = column
            self.text = text
        }
    }

    /// Columns that the form lacks are missing, and so are those that may well be empty.
    public var fields: [Field]

    /// Makes the row of a run that has ended; the same run makes the same `name`, so that no run has two.
    ///
    /// The columns are those of the app's DocType `BTU Task Log`. A run that did not start has no time of its start: when it
    /// was due stands there, since the app sorts its log by it, and deletes by it.
    public init(_ run: Run, _ target: FrappeTarget, _ form: LogForm, zone: Zone) {
        let ended = zone.stored(run.endedAt ?? run.scheduledAt)
        var known = [
            "name": "CARILLON-\(run.id)", "creation": ended, "modified": ended, "owner": Self.owner,
            "modified_by": Self.owner, "docstatus": "0", "idx": "0", "task": target.task,
            "task_desc_short": target.describedAs, "date_time_started": zone.stored(run.scheduledAt),
            "execution_time": "0", "success_fail": "Failed",
        ]
        known["schedule"] = target.schedule
        let names = Set(form.columns.map(\.name))
        if let place = Self.places.first(where: names.contains) {
            known[place] = Self.fitForPage(Self.words(run, target, zone))
        }
        fields = form.columns.compactMap { column in
            let text = known[column.name] ?? (column.isRequired ? Self.filler(column.type, ended) : nil)
            return text.map { Field(column.name, Self.cut($0, to: column.longest)) }
        }
    }

    /// Whom the app itself names.
    private static let owner = "Administrator"
    /// Columns for words; the first that is there takes them.
    private static let places = ["result_message", "stdout"]
    /// Characters, of up to four bytes each: what fits into the 65,535 bytes of a TEXT.
    private static let most = 10_000

    private static func words(_ run: Run, _ target: FrappeTarget, _ zone: Zone) -> String {
        let ending =
            switch run.state {
            case .cancelled: "was cancelled"
            case .skipped: "was passed over"
            default: "failed"
            }
        var reasons: [String] = []
        for reason in [run.outcome.error, run.reason, run.held?.why].compactMap({ $0 })
        where !reasons.contains(where: { $0.contains(reason) }) {
            reasons.append(reason)
        }
        let why = reasons.isEmpty ? "nobody said why" : reasons.joined(separator: "; ")
        return "No worker was seen to start the run that was due at \(zone.format(run.scheduledAt)), on queue "
            + "'\(target.queue)'. It \(ending): \(why). Carillon's ledger has it as run \(run.id)."
    }

    /// Replaces what begins a tag: the site's pages take these columns for HTML, and the words are also other servers'.
    private static func fitForPage(_ text: String) -> String {
        text.replacing("<", with: "‹").replacing(">", with: "›")
    }

    /// Answers what a column of this type holds that must not be NULL, and of which nothing else is known.
    private static func filler(_ type: String, _ time: String) -> String {
        switch type {
        case "datetime", "timestamp": time
        case "date": String(time.prefix(10))
        case "time": "00:00:00"
        case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "bit", "year": "0"
        default: ""
        }
    }

    private static func cut(_ text: String, to longest: Int?) -> String {
        guard let longest else { return text }
        return String(text.unicodeScalars.prefix(min(longest, most)))
    }
}

extension Run {
    /// Whether it has ended and no worker was seen to start any of its attempts. One that completed did start, though it may
    /// have been too quick for its start to be seen.
    public var reachedNoWorker: Bool {
        state.isFinal && state != .completed && startedAt == nil && earlier.allSatisfy { $0.startedAt == nil }
    }
}

extension Zone {
    /// Writes a time as Frappe stores it, `2026-11-21 19:00:00.250000`: what a clock in the zone shows.
    fileprivate func stored(_ time: Timestamp) -> String {
        let fraction = String(local(time).microsecond)
        return format(time).prefix(19) + "." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}
