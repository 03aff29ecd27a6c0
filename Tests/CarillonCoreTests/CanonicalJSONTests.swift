import CarillonCore
import CarillonTestSupport
import Foundation
import Testing
import Timetable

/// What stores and digests hold was written by Foundation's encoder, and is compared with what is written now.
@Suite struct CanonicalJSONTests {
    private func foundation(_ value: some Encodable, escapingSlashes: Bool) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = escapingSlashes ? .sortedKeys : [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private func same(_ value: some Encodable) throws {
        for escapes in [true, false] {
            let bytes = try CanonicalJSON.encode(value, escapingSlashes: escapes)
            #expect(String(decoding: bytes, as: UTF8.self) == (try foundation(value, escapingSlashes: escapes)))
        }
    }

    /// It was the hash of Foundation's text before, and stores are full of them.
    private func same(job: Job) throws {
        try same(job)
        var texts = JobTexts()
        _ = try texts.parts(of: job)
        let parts = try texts.parts(of: job)
        let text = try foundation(job, escapingSlashes: true)
        let target = try #require(text.range(of: "\"target\":", options: .backwards))
        let body = job.target.body.replacing("/", with: "\\/")
        let kind = job.target.kind.rawValue.replacing("/", with: "\\/")
        let whole = text[..<target.upperBound] + "{\"\(kind)\":{\"_0\":\(body)}}}"
        #expect(texts.digest(job, parts, withSource: true) == StableHash.hash(whole.utf8))
        // Where it stands counts no more.
        let source = try foundation(job.origin.source, escapingSlashes: true)
        let elsewhere = whole.replacing(",\"source\":\(source)}", with: "}")
        #expect(elsewhere.utf8.count < whole.utf8.count)
        #expect(parts.digest == StableHash.hash(elsewhere.utf8))
        #expect(job.digest() == parts.digest)
    }

    @Test func jobsAreWrittenAsFoundationWritesThem() throws {
        var job = Samples.job("ümläut / 'quote' \"x\" \\ \u{7f}\u{1}\u{8}\t\n\u{c}\r\u{2028}🚀")
        try same(job: job)
        job.tags = ["a", ""]
        job.standing = Standing(off: .halted("no"), anchor: Timestamp(microseconds: -1), isOwed: true)
        job.schedule = ScheduleText(
            .cron("@every 5m", .btu, anchor: Timestamp(seconds: 3)), zone: "Europe/Berlin", dst: DSTPolicy(gap: .skip),
            jitter: 1, spread: true, startsAt: Timestamp(seconds: 1),
            exclusions: [.init(name: "x/y", dates: ["2026-12-25"])])
        job.policies = Policies(
            catchUp: .all(limit: 3, rate: 0.1), window: 7, overlap: .queue(max: 4),
            retry: Retry(attempts: 2, on: [.timeout, .failure]), onLost: .retry, onFailure: .halt, maxRuns: .max)
        let program = Everything(
            texts: [
                "b": "1", "a": "2", "B": "3", "a10": "", "a9": "", "_": "", "é": "", "e": "", "z\u{301}": "", "/": "\0",
            ], numbers: [0, 255], none: nil, values: [], entries: [])
        try same(program)
        job.target = try Target(program)
        try same(job: job)
        for number in [0.0, -0.0, 1, 1e-7, 1e16, 123_456_789.125, .infinity, .nan, .leastNonzeroMagnitude] {
            job.policies.catchUp = .all(limit: 1, rate: number.isFinite ? number : 1)
            let call = Everything(
                texts: [:], numbers: [], none: "a.b",
                values: [
                    .double(number), .null, .bool(true), .integer(.min), .bigInteger("-1"), .list([.list([])]),
                ], entries: [.init("k", .map([.init("", .text("é"))])), .init("k", .map([]))])
            try same(call)
            job.target = try Target(call)
            try same(job: job)
        }
    }

    @Test func whatIsNoNumberIsRefused() {
        #expect(throws: EncodingError.self) { try CanonicalJSON.encode([Double.nan]) }
    }

    /// A body with a bit of each.
    private struct Everything: TargetBody {
        static let kind = Target.Kind(rawValue: "every/thing")

        var texts: [String: String]
        var numbers: [Int32]
        var none: String?
        var values: [PlainValue]
        var entries: [PlainValue.Entry]

        var summary: String { "a bit of each" }
        var fault: String? { nil }
    }
}
