import Timetable

/// Writes the parts of jobs as stores keep them, and digests of whole jobs from the same texts.
///
/// What one job has in common with the one before, as in a file of many, is written once.
public struct JobTexts {
    /// Canonical JSON of a job's parts, slashes as they are.
    public struct Parts {
        public var schedule: [UInt8]
        public var policies: [UInt8]
        public var tags: [UInt8]
        public var standing: [UInt8]?
        /// Equal for equal definitions, wherever they stand.
        public var digest: UInt64 = 0

        public init(schedule: [UInt8], policies: [UInt8], tags: [UInt8], standing: [UInt8]?) {
            self.schedule = schedule
            self.policies = policies
            self.tags = tags
            self.standing = standing
        }
    }

    private var schedule: (value: ScheduleText, text: [UInt8])?
    private var policies: (value: Policies, text: [UInt8])?
    private var whole: [UInt8] = []

    public init() {}

    /// Encodes a job; throws for what JSON has no way to write, such as a number that is not finite.
    public mutating func parts(of job: Job) throws -> Parts {
        var parts = Parts(
            schedule: try text(of: job.schedule), policies: try text(of: job.policies),
            tags: try Self.text(of: job.tags),
            standing: try job.standing.map { try Self.text(of: $0) })
        parts.digest = digest(job, parts)
        return parts
    }

    /// What stands in the text of a schedule, and of no other, whose zone this is: in a text the quotes would be escaped.
    public static func part(ofZone name: String) -> String {
        var part = Array("\"zone\":".utf8)
        CanonicalJSON.quote(name, to: &part)
        return String(decoding: part, as: UTF8.self)
    }

    private static func text(of value: some Encodable) throws -> [UInt8] {
        try CanonicalJSON.encode(value, escapingSlashes: false)
    }

    private mutating func text(of value: Policies) throws -> [UInt8] {
        if let policies, policies.value == value { return policies.text }
        let text = try Self.text(of: value)
        policies = (value, text)
        return text
    }

    /// Encodes a schedule unless it is the last one, byte by byte: Swift calls some texts equal that are not the same.
    private mutating func text(of value: ScheduleText) throws -> [UInt8] {
        if let schedule, schedule.value == value, value.exclusions.isEmpty,
            schedule.value.summary.utf8.elementsEqual(value.summary.utf8),
            schedule.value.zone.utf8.elementsEqual(value.zone.utf8)
        {
            return schedule.text
        }
        let text = try Self.text(of: value)
        schedule = (value, text)
        return text
    }

    /// Hashes the whole job as JSON: its keys sorted, and each slash, which JSON has in texts alone, escaped. The target
    /// stands in it as `{"kind":{"_0":body}}`. Its source, a path of one machine, does not count, but for what was stored by a
    /// release that counted it.
    ///
    /// Of `job` this reads name, feed, source, target and whether it is enabled; all else is in `parts`.
    public mutating func digest(_ job: Job, _ parts: Parts, withSource: Bool = false) -> UInt64 {
        whole.removeAll(keepingCapacity: true)
        whole += job.enabled ? "{\"enabled\":true,\"name\":".utf8 : "{\"enabled\":false,\"name\":".utf8
        CanonicalJSON.quote(job.name, to: &whole)
        whole += ",\"origin\":{\"feed\":".utf8
        CanonicalJSON.quote(job.origin.feed, to: &whole)
        if withSource {
            whole += ",\"source\":".utf8
            CanonicalJSON.quote(job.origin.source, to: &whole)
        }
        whole += "},\"policies\":".utf8
        whole += parts.policies
        whole += ",\"schedule\":".utf8
        whole += parts.schedule
        if let standing = parts.standing {
            whole += ",\"standing\":".utf8
            whole += standing
        }
        whole += ",\"tags\":".utf8
        whole += parts.tags
        whole += ",\"target\":".utf8
        whole.append(UInt8(ascii: "{"))
        CanonicalJSON.quote(job.target.kind.rawValue, to: &whole)
        whole += ":{\"_0\":".utf8
        whole += job.target.body.utf8
        whole += "}}}".utf8
        return StableHash.hash(SlashesEscaped(bytes: whole))
    }

    private struct SlashesEscaped: Sequence, IteratorProtocol {
        let bytes: [UInt8]
        var place = 0
        var isEscaped = false

        mutating func next() -> UInt8? {
            guard place < bytes.count else { return nil }
            let byte = bytes[place]
            if byte == UInt8(ascii: "/"), !isEscaped {
                isEscaped = true
                return UInt8(ascii: "\\")
            }
            isEscaped = false
            place += 1
            return byte
        }
    }
}

extension Job {
    /// Digests a definition: equal for equal definitions, on every machine and for ever.
    public func digest() -> UInt64 {
        var texts = JobTexts()
        // Every field of a job encodes: there is no number that is not finite and no key that is not text.
        return (try? texts.parts(of: self).digest) ?? 0
    }
}
