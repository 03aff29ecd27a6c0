import CarillonCore
import CarillonTestSupport
import MailNotifier
import Synchronization
import Testing
import Timetable

/// When mails go, with time in the test's hands.
@Suite(.timeLimit(.minutes(5))) struct NotifierTests {
    private let postbox = Postbox()

    @Test func whatComesWithinSecondsIsOneMail() async throws {
        let rig = Rig(postbox)
        try await rig.serving { () async throws in
            rig.notifier.notify(.failure("payroll"))
            await rig.pass(2)
            rig.notifier.notify(.miss("report"))
            rig.notifier.notify(.queue("sync"))
            await rig.pass(1)
            await postbox.tried(1)
        }
        let mails = await postbox.mails
        #expect(mails.map(\.subject) == ["Carillon on tower: 1 run failed, 1 job missed times (payroll, report)"])
        #expect(mails.first?.at == Samples.noon.plus(3) && rig.log.lines == [])
    }

    @Test func aStormIsOneMailAndAnotherAMinuteLater() async throws {
        let rig = Rig(postbox)
        try await rig.serving { () async throws in
            for number in 0..<10_000 { rig.notifier.notify(.failure("payroll", UInt64(number))) }
            await rig.pass(3)
            await postbox.tried(1)
            for number in 0..<7 { rig.notifier.notify(.failure("sync", UInt64(number))) }
            await rig.pass(59)
            await rig.clock.untilSleeping()
            #expect(await postbox.mails.count == 1)
            await rig.pass(1)
            await postbox.tried(2)
        }
        let mails = await postbox.mails
        #expect(
            mails.map(\.subject) == [
                "Carillon on tower: 10,000 runs failed (payroll)", "Carillon on tower: 7 runs failed (sync)",
            ])
        #expect(mails.map(\.at) == [Samples.noon.plus(3), Samples.noon.plus(63)])
    }

    @Test func whatNobodyAskedForIsNotTold() async throws {
        let rig = Rig(postbox, on: [.queued])
        try await rig.serving { () async throws in
            rig.notifier.notify(.failure("payroll"))
            rig.notifier.notify(.miss("report"))
            rig.notifier.notify(.queue("sync"))
            await rig.pass(3)
            await postbox.tried(1)
        }
        #expect(await postbox.mails.map(\.subject) == ["Carillon on tower: 1 run queued (sync)"])
    }

    @Test(arguments: [false, true]) func aShortGapIsToldToThoseWhoAskForIt(_ isAskedFor: Bool) async throws {
        let rig = Rig(postbox, shortGaps: isAskedFor)
        try await rig.serving { () async throws in
            for reason in [SkipReason.downtime, .stall, .clock] {
                rig.notifier.notify(.miss("every second", seconds: 59, reason))
            }
            rig.notifier.notify(.miss("every minute", seconds: 60, .stall))
            rig.notifier.notify(.miss("late", seconds: 1, .window))
            await rig.pass(3)
            await postbox.tried(1)
        }
        let jobs = isAskedFor ? "every second, every minute, late" : "every minute, late"
        #expect(
            await postbox.mails.map(\.subject)
                == ["Carillon on tower: \(isAskedFor ? 3 : 2) jobs missed times (\(jobs))"])
    }

    @Test func aFailureIsTriedAgainWithWhatCameMeanwhile() async throws {
        let rig = Rig(postbox)
        await postbox.close()
        try await rig.serving { () async throws in
            rig.notifier.notify(.failure("payroll"))
            await rig.pass(3)
            // Doubling, and a quarter of an hour at most.
            for (number, wait) in [Int64(60), 120, 240, 480, 900, 900].enumerated() {
                await postbox.tried(number + 1)
                rig.notifier.notify(.failure("sync", UInt64(number)))
                await rig.pass(wait - 1)
                await rig.clock.untilSleeping()
                #expect(await postbox.tries == number + 1)
                if number == 5 { await postbox.open() }
                await rig.pass(1)
            }
            await postbox.tried(7)
        }
        let mails = await postbox.mails
        #expect(mails.map(\.subject) == ["Carillon on tower: 7 runs failed (payroll, sync)"])
        #expect(mails.first?.text.contains("it was tried 6 times.") == true)
        #expect(
            rig.log.lines == [
                "warning: a mail cannot be sent; it is tried again error=the postbox is closed",
                "notice: mail is sent again ",
            ])
    }

    @Test func aStopSendsWhatWaits() async throws {
        let rig = Rig(postbox)
        try await rig.serving { () async throws in
            rig.notifier.notify(.failure("payroll"))
            await rig.clock.untilSleeping()
        }
        #expect(await postbox.mails.map(\.at) == [Samples.noon])
    }

    @Test func aStopIsNotHeldUpByAServerThatHangs() async throws {
        let rig = Rig(postbox)
        await postbox.hang()
        try await rig.serving { () async throws in
            rig.notifier.notify(.failure("payroll"))
            await rig.pass(3)
            await postbox.tried(1)
            await rig.stop()
            await rig.pass(10)
        }
        #expect(await postbox.mails.isEmpty)
        #expect(rig.log.lines.last == "warning: the daemon stops with notices that were not mailed count=1")
    }

    @Test func aStopTriesOnceMoreAndSaysWhatIsLeft() async throws {
        let rig = Rig(postbox)
        await postbox.close()
        try await rig.serving { () async throws in
            rig.notifier.notify(.failure("payroll"))
            await rig.pass(3)
            await postbox.tried(1)
            await rig.clock.untilSleeping()
        }
        #expect(await postbox.tries == 2)
        #expect(rig.log.lines.last == "warning: the daemon stops with notices that were not mailed count=1")
    }

    /// What a stop leaves is mailed by the next daemon, and waits in the store until it is.
    @Test func whatIsLeftIsMailedByTheNext() async throws {
        let kept = Mutex<String?>(nil)
        let shelf = MailNotifier.Shelf {
            kept.withLock { $0 }
        } store: { text in
            kept.withLock { $0 = text }
        }
        await postbox.close()
        let first = Rig(postbox, shelf: shelf)
        try await first.serving { () async throws in
            first.notifier.notify(.failure("payroll"))
            first.notifier.notify(.miss("report"))
            await first.pass(3)
            await postbox.tried(1)
            await first.clock.untilSleeping()
        }
        #expect(first.log.lines.last?.contains("the next one mails them") == true)
        #expect(kept.withLock { $0 } != nil)
        // The next one cannot send it either, and is killed before it can say so: it waits on.
        let second = Rig(postbox, shelf: shelf)
        try await second.serving { () async throws in
            await second.pass(3)
            await postbox.tried(3)
            await second.clock.untilSleeping()
            #expect(kept.withLock { $0 } != nil)
            #expect(await second.notifier.health().waiting == 2)
            await postbox.open()
            await second.pass(60)
            await postbox.tried(4)
        }
        #expect(
            await postbox.mails.map(\.subject) == [
                "Carillon on tower: 1 run failed, 1 job missed times (payroll, report)"
            ])
        #expect(kept.withLock { $0 } == nil)
        // What another release left is said, and stands in nobody's way.
        kept.withLock { $0 = "nonsense" }
        let third = Rig(postbox, shelf: shelf)
        try await third.serving { () async throws in
            third.notifier.notify(.failure("sync"))
            await third.pass(3)
            await postbox.tried(5)
        }
        #expect(third.log.lines.first?.contains("cannot be read") == true)
    }
}
