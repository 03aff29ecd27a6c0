import CarillonEngine
import ControlAPI
import Foundation
import Timetable

/// Times as a page tells them: in the job's zone first, in the reader's beside it where that shows another time.
struct Moments: Sendable {
    let now: Timestamp
    private let zones: ZoneDatabase
    /// The reader's, as their browser has said.
    let yours: Zone?
    private let formatter: TimeFormatter

    init(now: Timestamp, zones: ZoneDatabase, yours: String?) {
        self.now = now
        self.zones = zones
        self.yours = yours.flatMap { try? zones.zone($0) }
        formatter = TimeFormatter(now: now)
    }

    /// Reads the name of the zone that the script of the page has put into a cookie.
    static func cookie(in header: String?) -> String? {
        SessionCookie.value(of: "carillon-zone", in: header).flatMap { String($0).removingPercentEncoding }
    }

    func zone(_ name: String) -> Zone { (try? zones.zone(name)) ?? .utc }

    /// The markup of a time.
    func time(_ time: Timestamp, _ zone: String) -> String {
        let own = self.zone(zone)
        var mine: String?
        if let yours, yours.offset(at: time).seconds != own.offset(at: time).seconds {
            mine = formatter.short(time, yours.name)
        }
        return Markup.time(
            time.rfc3339, short: formatter.short(time, zone), full: own.format(time), yours: mine,
            relative: formatter.relative(time))
    }

    /// `19:00 EST`, with the day where it is not today's.
    func short(_ time: Timestamp, _ zone: String) -> String { formatter.short(time, zone) }
    func relative(_ time: Timestamp) -> String { formatter.relative(time) }
    func full(_ time: Timestamp, _ zone: String) -> String { self.zone(zone).format(time) }
}
