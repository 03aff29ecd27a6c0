package import CarillonCore

/// A sign of life that an instance has left in the store.
package struct Beat: Hashable, Sendable {
    package var number: InstanceNumber
    package var term: Int64
    /// Grows with each.
    package var count: Int64
    /// How long the instance may be silent before it is ended, in microseconds: its own setting.
    package var lease: Int64

    package init(_ number: InstanceNumber, term: Int64, count: Int64, lease: Int64) {
        self.number = number
        self.term = term
        self.count = count
        self.lease = lease
    }
}

/// Judges by its own clock whether other instances live, and compares no clock with another.
///
/// An instance trusts its lease for nine tenths of it, from before it sent the beat. Whoever watches has seen that beat later than
/// it was sent, and ends the instance eleven tenths of the lease after that, if the beat still stands: so the instance has stopped
/// by itself before, as long as their clocks run equally fast to within a tenth. These are clocks of the time since boot, which
/// go on while a machine sleeps.
package struct Watch: Sendable {
    private var seen: [InstanceNumber: (beat: Beat, since: Int64)] = [:]

    package init() {}

    /// Takes in the beats of all others that are in force, as they were read; answers those that are to be ended where the store
    /// still has the very beat.
    ///
    /// `now` is a time after the answer came.
    package mutating func look(_ beats: [Beat], at now: Int64) -> [Beat] {
        var next: [InstanceNumber: (beat: Beat, since: Int64)] = [:]
        var silent: [Beat] = []
        for beat in beats {
            var since = now
            if let before = seen[beat.number], before.beat == beat {
                since = before.since
                if now - since > beat.lease + beat.lease / 10 { silent.append(beat) }
            }
            next[beat.number] = (beat, since)
        }
        seen = next
        return silent
    }

    /// Begins anew with everybody: one whose own beats did not get through knows nothing of others'. So nobody ends the others
    /// because the store was away.
    package mutating func restart() { seen = [:] }
}
