import Foundation
import Testing
import Timetable

@Suite struct TimestampTests {
    @Test(arguments: [
        ("2026-03-08T07:00:00Z", 1_772_953_200_000_000), ("1970-01-01T00:00:00Z", 0),
        ("2026-03-08T08:00:00+01:00", 1_772_953_200_000_000), ("2026-03-08t02:00:00-05:00", 1_772_953_200_000_000),
        ("1969-12-31T23:59:59.750Z", -250_000), ("1970-01-01T00:00:00.0000019z", 1),
        ("2000-02-29T12:00:00.123456789Z", 951_825_600_123_456), ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ("2016-12-31T18:59:60.5-05:00", 1_483_228_800_000_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ])
    func reads(text: String, microseconds: Int) {
        #expect(Timestamp(rfc3339: text)?.microseconds == Int64(microseconds))
    }

    @Test(arguments: [
        "", "2026-03-08", "2026-03-08T07:00:00", "2026-03-08T07:00Z", "2026-03-08 07:00:00Z", "2026-3-08T07:00:00Z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T12:00:60Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00Z ",
        "+2026-01-01T00:00:00Z", "２026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:60",
    ])
    func refuses(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func writesWhatItReads() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let range = Timestamp.distantPast.microseconds...Timestamp.distantFuture.microseconds
            var moment = Timestamp(microseconds: Int64.random(in: range, using: &random))
            if Bool.random(using: &random) { moment = Timestamp(seconds: moment.seconds) }
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
        }
        #expect(Timestamp(microseconds: 250_000).rfc3339 == "1970-01-01T00:00:00.250000Z")
        #expect(Timestamp(microseconds: -1).description == "1969-12-31T23:59:59.999999Z")
        #expect(Timestamp(microseconds: .max).rfc3339 == "+294247-01-10T04:00:54.775807Z")
        #expect(Timestamp(microseconds: .min).rfc3339 == "-290308-12-21T19:59:05.224192Z")
    }

    @Test func clampsAtTheEnds() {
        #expect(Timestamp(seconds: .max).microseconds == .max)
        #expect(Timestamp(seconds: .min).microseconds == .min)
        #expect(Timestamp(microseconds: .max).adding(microseconds: 1).microseconds == .max)
        #expect(Timestamp(microseconds: .min).adding(microseconds: -1).microseconds == .min)
        #expect(Timestamp(microseconds: -1).seconds == -1)
        #expect(Timestamp.distantPast < Timestamp(seconds: 0) && Timestamp(seconds: 0) < .distantFuture)
    }

    @Test func isCodedAsOneNumber() throws {
        let data = try JSONEncoder().encode([Timestamp(microseconds: 12)])
        #expect(String(decoding: data, as: UTF8.self) == "[12]")
        #expect(try JSONDecoder().decode([Timestamp].self, from: data) == [Timestamp(microseconds: 12)])
        let policy = DSTPolicy(gap: .skip, overlap: .both)
        #expect(try JSONDecoder().decode(DSTPolicy.self, from: JSONEncoder().encode(policy)) == policy)
    }

    @Test func spans() {
        for (text, value) in [
            ("1h30m", 5_400_000_000), ("250ms", 250_000), ("1d", 86_400_000_000), ("2s5us", 2_000_005), ("0", 0),
            ("0s", 0),
        ] {
            #expect((try? Span.parse(text)) == Int64(value), "\(text)")
        }
        for text in ["", "5", "1m1h", "1h1h", "1.5h", "-1s", "1 h", "s", "1w", "h1", "1hm", "1234567890s", "1é"] {
            #expect(failure { () throws(ScheduleError) in _ = try Span.parse(text) } != nil, "\(text)")
        }
        #expect(
            failure { () throws(ScheduleError) in _ = try Span.parse("999999999d") }?.message
                == "'999999999d' is too long a time")
        var random = SeededGenerator(seed: 2)
        for _ in 0..<5000 {
            let span = Int64.random(in: 0...Int64.max >> Int64.random(in: 0...62, using: &random), using: &random)
            #expect((try? Span.parse(Span.format(span))) == span)
        }
        #expect(Span.format(0) == "0s" && Span.format(-5_400_000_000) == "-1h30m")
        #expect(Span.format(.min).hasPrefix("-106751991d"))
    }
}
