#if Mail
    import CarillonTestSupport
    import MailClient
    import Testing

    struct WentOut: Error {}

    /// What keeps a mail from going out, and what is said of it.
    @Suite(.timeLimit(.minutes(5))) struct RefusalTests {
        /// The error of a mail that must not go out.
        private func error(
            _ configuration: MailConfiguration, _ message: MailMessage = .sample()
        ) async throws -> MailError {
            let client = try MailClient(configuration)
            do {
                try await client.send(message)
            } catch {
                #expect(!"\(error)".contains("s3cret") && "\(error)".hasPrefix(configuration.address + ": "))
                return error
            }
            throw WentOut()
        }

        @Test func aWrongPassword() async throws {
            let server = try MailServerFixture(.startTLS)
            try await server.start()
            var configuration = server.configuration(.startTLS)
            configuration.password = "s3cret-and-wrong"
            let refused = try await error(configuration)
            #expect(refused.kind == .refused && refused.message.hasPrefix("the server refuses the login: 535"))
            #expect(try server.mails().isEmpty && !server.log.contains("s3cret"))
        }

        @Test func aServerNobodyVouchesFor() async throws {
            let server = try MailServerFixture(.startTLS)
            try await server.start()
            for security in [MailConfiguration.Security.startTLS, .opportunistic] {
                var configuration = server.configuration(security)
                configuration.caFile = nil
                let refused = try await error(configuration)
                #expect(refused.kind == .refused && refused.message.hasPrefix("TLS failed: "), "\(refused)")
                // Another authority than the server's.
                let other = try TemporaryFolder()
                configuration.caFile = try TestCertificates(in: other).caFile
                #expect(try await error(configuration).kind == .refused)
            }
            #expect(try server.mails().isEmpty)
            var configuration = server.configuration(.startTLS)
            configuration.caFile = nil
            configuration.verify = false
            try await MailClient(configuration).send(.sample())
            #expect(try server.mails().count == 1)
        }

        @Test func aServerWithoutTLSWhenItIsRequired() async throws {
            let server = try MailServerFixture(.none, login: false)
            try await server.start()
            let refused = try await error(server.configuration(.startTLS))
            #expect(refused.kind == .refused)
            #expect(refused.message == "TLS is required, and the server does not offer it")
            #expect(try await error(server.configuration(.tls)).kind == .refused)
            #expect(try server.mails().isEmpty)
        }

        @Test func aServerThatIsAway() async throws {
            let server = try MailServerFixture(.startTLS)
            let away = try await error(server.configuration(.startTLS))
            #expect(away.kind == .unreachable && away.message.hasPrefix("no connection: "), "\(away)")
            try await server.start()
            let client = try MailClient(server.configuration(.startTLS))
            try await client.send(.sample())
            await server.stop()
            await #expect(throws: MailError.self) { try await client.send(.sample()) }
            try await server.start()
            try await client.send(.sample())
            #expect(try server.mails().count == 2)
        }

        @Test func aServerThatHangs() async throws {
            let server = try MailServerFixture(.startTLS)
            try await server.start()
            try server.answer("DATA", "HANG")
            let client = try MailClient(server.configuration(.startTLS))
            let sending = Task { try await client.send(.sample()) }
            try await server.untilHanging()
            sending.cancel()
            let result = await sending.result
            let place = client.configuration.address
            #expect(throws: MailError(.cancelled, "the sending was cancelled", server: place)) { try result.get() }
            try await server.suspend()
            var configuration = server.configuration(.startTLS)
            configuration.timeout = 1
            #expect(try await error(configuration).kind == .timedOut)
            #expect(try server.mails().isEmpty)
        }

        @Test func whatTheServerSays() async throws {
            let server = try MailServerFixture(.startTLS)
            try await server.start()
            let configuration = server.configuration(.startTLS)
            try server.answer("DATA", "451 4.3.0 disk full, try later")
            let putOff = try await error(configuration)
            #expect(putOff.kind == .putOff)
            #expect(putOff.message == "the server puts the mail off: 451 4.3.0 disk full, try later")
            try server.answer("DATA", "554 5.7.1 no \(MailServerFixture.password) here")
            #expect(try await error(configuration).message == "the server refuses (its text has the password in it)")
            try server.answer("DATA", nil)
            try server.answer("MAIL", "550 5.1.0 who are you?")
            #expect(try await error(configuration).message == "the server refuses the sender: 550 5.1.0 who are you?")
            try server.answer("MAIL", nil)
            try server.answer("RCPT", "550 5.1.1 nobody of that name")
            let all = try await error(configuration, .sample(to: "gone@example.com"))
            #expect(all.message == "the server refuses every recipient: 550 5.1.1 nobody of that name")
            #expect(try server.mails().isEmpty)
            // One who is gone keeps it from nobody else.
            var message = MailMessage.sample()
            message.to.insert(try #require(Mailbox("gone@example.com")), at: 0)
            let remark = try await MailClient(configuration).send(message)
            #expect(remark == "550 5.1.1 nobody of that name")
            #expect(try server.mails().map(\.to) == [["ops@example.com", "cfo@example.com"]])
        }

        @Test func whatMakesNoSense() async throws {
            var configuration = MailConfiguration(host: "mail.example.com", user: "u", password: "s3cret")
            #expect("\(configuration)" == "mail.example.com:587")
            var dumped = ""
            dump(configuration, to: &dumped)
            #expect(!dumped.contains("s3cret") && !String(reflecting: configuration).contains("s3cret"))
            for host in ["", "a b", "user@host", "host/path", "a\r\nb", "a\0b"] {
                configuration.host = host
                #expect(throws: MailError.self) { try MailClient(configuration) }
            }
            configuration.host = "127.0.0.1"
            configuration.caFile = "/nowhere/ca.pem"
            let missing = try await error(configuration)
            #expect(
                missing.kind == .badConfiguration && missing.message == "/nowhere/ca.pem: No such file or directory")
            let client = try MailClient(configuration)
            await client.close()
            await #expect(throws: MailError(.closed, "the client is closed", server: "127.0.0.1:587")) {
                try await client.send(.sample())
            }
        }
    }
#endif
