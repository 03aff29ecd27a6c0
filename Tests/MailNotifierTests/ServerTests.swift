#if Mail
    import CarillonCore
    import CarillonTestSupport
    import MailClient
    import MailNotifier
    import Testing
    import Timetable

    /// The whole of it with a real server.
    @Suite(.timeLimit(.minutes(5))) struct ServerTests {
        private func sender(_ server: MailServerFixture) throws -> SMTPSender {
            try SMTPSender(
                MailConfiguration(
                    host: "127.0.0.1", port: server.port, user: MailServerFixture.user,
                    password: MailServerFixture.password, caFile: server.caFile),
                from: "Carillon <carillon@example.com>", to: ["ops@example.com"])
        }

        @Test func aServerThatWasDownGetsOneMailWithEverything() async throws {
            let server = try MailServerFixture(.startTLS)
            let counter = Counter(try sender(server))
            let rig = Rig(counter)
            try await rig.serving { () async throws in
                rig.notifier.notify(.failure("Löhne\nX-Evil: 1", tail: "Übertrag: ¥ 5\n.\n"))
                await rig.pass(3)
                await counter.tried(1)
                rig.notifier.notify(.miss("sync"))
                try await server.start()
                await rig.pass(60)
                await counter.tried(2)
            }
            let mails = try server.mails()
            #expect(mails.count == 1)
            let mail = try #require(mails.first)
            #expect(
                mail.subject
                    == "Carillon on tower: 1 run failed, 1 job missed times (Löhne X-Evil: 1, sync)")
            #expect(mail.text.contains("    | Übertrag: ¥ 5\n    | .\n") && mail.text.contains("sync missed times\n"))
            #expect(mail.header("X-Evil") == nil && mail.header("Date") == "Sat, 21 Nov 2026 12:01:03 +0000")
            #expect(rig.log.lines.count == 2 && rig.log.lines[0].contains("127.0.0.1:\(server.port): no connection"))
        }

        @Test func aWrongPasswordIsLoggedOnceAndNowhereShown() async throws {
            let server = try MailServerFixture(.startTLS)
            try await server.start()
            let counter = Counter(
                try SMTPSender(
                    MailConfiguration(
                        host: "127.0.0.1", port: server.port, user: MailServerFixture.user, password: "s3cret-wrong",
                        caFile: server.caFile),
                    from: "carillon@example.com", to: ["ops@example.com"]))
            let rig = Rig(counter)
            try await rig.serving { () async throws in
                rig.notifier.notify(.failure("payroll"))
                await rig.pass(3)
                await counter.tried(1)
                await rig.pass(60)
                await counter.tried(2)
                await rig.clock.untilSleeping()
            }
            #expect(rig.log.lines.count == 2 && rig.log.lines[0].contains("the server refuses the login: 535"))
            #expect(!rig.log.lines.contains { $0.contains("s3cret") })
        }

        @Test func whatIsNoAddressIsRefused() {
            #expect(throws: MailError.self) {
                try SMTPSender(MailConfiguration(host: "h"), from: "a@b.c", to: ["ok@b.c", "x\ny@b.c"])
            }
            #expect(throws: MailError.self) { try SMTPSender(MailConfiguration(host: "h"), from: "a@b.c", to: []) }
        }
    }

    /// Counts what another sender did.
    private actor Counter: MailSender {
        private let sender: any MailSender
        private var tries = 0
        private var waiters = Waiters<Int>()

        init(_ sender: any MailSender) { self.sender = sender }

        func tried(_ count: Int) async {
            if tries >= count { return }
            await waiters.add { $0 >= count }.ended()
        }

        func send(subject: String, text: String, at now: Timestamp) async throws -> String? {
            defer {
                tries += 1
                waiters.wake(tries)
            }
            return try await sender.send(subject: subject, text: text, at: now)
        }
    }
#endif
