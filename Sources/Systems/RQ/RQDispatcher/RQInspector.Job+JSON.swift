import CarillonCore
import Timetable

/// RQ's record by our keys: a record may have any fields, so those that every job has come first, null when absent.
extension RQInspector.Job: Encodable {
    private static let known = [
        ("status", "status"), ("origin", "queue"), ("description", "description"), ("created_at", "createdAt"),
        ("enqueued_at", "enqueuedAt"), ("started_at", "startedAt"), ("ended_at", "endedAt"),
        ("last_heartbeat", "heartbeatAt"), ("timeout", "timeoutSeconds"), ("result_ttl", "resultTTLSeconds"),
        ("failure_ttl", "failureTTLSeconds"), ("worker_name", "worker"),
    ]

    public func encode(to encoder: any Encoder) throws {
        let values = Dictionary(fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        let others = fields.map(\.name).filter { name in !Self.known.contains { $0.0 == name } }
        var entries: [(key: String, value: any Encodable)] = [("id", id)]
        for (name, key) in Self.known + others.map({ ($0, Self.camelCase($0)) }) {
            entries.append((key, Self.value(values[name], of: key)))
        }
        entries += [("isGuarded", isGuarded), ("traceback", traceback)]
        try JSONObject(entries).encode(to: encoder)
    }

    private static func value(_ text: String?, of key: String) -> any Encodable {
        if key.hasSuffix("At"), let time = RQTime.parse(text) { return time }
        if key.hasSuffix("Seconds"), let number = text.flatMap({ Int64($0) }) { return number }
        return text
    }

    private static func camelCase(_ name: String) -> String {
        let words = name.split(separator: "_")
        return (words.first ?? "") + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
