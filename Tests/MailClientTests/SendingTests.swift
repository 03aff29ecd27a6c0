#if Mail
    import CarillonTestSupport
    import MailClient
    import Testing

    /// Every way to a real SMTP server, and what arrives.
    @Suite(.timeLimit(.minutes(5))) struct SendingTests {
        @Test func throughSTARTTLSWithALogin() async throws {
            let server = try MailServerFixture(.startTLS)
            try await server.start()
            let client = try MailClient(server.configuration(.startTLS))
            let remark = try await client.send(.sample("Löhne: 3 Läufe fehlgeschlagen – ¥€$ 𝄞", "Grüße\n"))
            #expect(remark == nil)
            let mail = try #require(try server.mails().first)
            #expect(mail.isEncrypted && mail.login == MailServerFixture.user && mail.defects == [])
            #expect(mail.from == "carillon@example.com" && mail.to == ["ops@example.com", "cfo@example.com"])
            #expect(mail.subject == "Löhne: 3 Läufe fehlgeschlagen – ¥€$ 𝄞" && mail.text == "Grüße\n")
            #expect(mail.header("Date") == "Sat, 21 Nov 2026 12:00:00 +0000")
            #expect(mail.header("From") == "Der Glöckner <carillon@example.com>")
            #expect(mail.header("To") == "ops@example.com, \"Miller, \\\"J\\\"\" <cfo@example.com>")
            #expect(mail.header("Auto-Submitted") == "auto-generated" && mail.header("MIME-Version") == "1.0")
            #expect(mail.header("Message-ID")?.hasSuffix("@example.com>") == true)
            #expect(!mail.raw.contains("Glöckner") && mail.raw.utf8.count > 300)
        }

        @Test(arguments: [MailConfiguration.Security.tls, .none, .opportunistic])
        func throughOtherWays(_ security: MailConfiguration.Security) async throws {
            let server = try MailServerFixture(security == .tls ? .tls : .none, login: security == .tls)
            try await server.start()
            var configuration = server.configuration(security)
            if security != .tls { (configuration.user, configuration.password) = (nil, nil) }
            try await MailClient(configuration).send(.sample("plain words", "one\ntwo\n"))
            let mail = try #require(try server.mails().first)
            #expect(mail.isEncrypted == (security == .tls) && mail.defects == [])
            #expect(mail.raw.contains("\r\nSubject: plain words\r\n"))
            #expect(mail.raw.contains("\r\nContent-Transfer-Encoding: 7bit\r\n") && mail.text == "one\ntwo\n")
        }

        @Test func anOfferOfTLSIsTaken() async throws {
            let server = try MailServerFixture(.startTLS)
            try await server.start()
            try await MailClient(server.configuration(.opportunistic)).send(.sample())
            #expect(try server.mails().map(\.isEncrypted) == [true])
        }

        @Test(arguments: [
            "", ".", ".\n..\n.dot\n", "a\r\nb\rc\n", "blanks at the end  \t\n",
            String(repeating: "0123456789", count: 700),
            String(repeating: "ü=", count: 600), "a tab\tand \u{1b}[31mcontrols\u{0}\u{7f}\n", "From here\n",
            String(repeating: "x", count: 998) + "\n" + String(repeating: "y", count: 999),
        ])
        func whateverIsInATextArrives(_ text: String) async throws {
            let server = try MailServerFixture(.none, login: false)
            try await server.start()
            var configuration = server.configuration(.none)
            (configuration.user, configuration.password) = (nil, nil)
            try await MailClient(configuration).send(.sample("x", text))
            let mail = try #require(try server.mails().first)
            // CR and LF are one character of a String.
            var expected = String(String.UnicodeScalarView(Array(text.unicodeScalars).lineFeeds))
            if !expected.isEmpty, !expected.hasSuffix("\n") { expected += "\n" }
            #expect(mail.text == expected && mail.defects == [])
            #expect(mail.raw.utf8.split(separator: 0x0a).allSatisfy { $0.count <= 999 })
        }

        @Test func headersCannotBeInjected() async throws {
            for text in [
                "a@b.c\r\nBcc: evil@example.com", "x\ny <a@b.c>", "a b@c.d", "a@b.c>\r\nRCPT TO:<d@e.f", "", "<>", "@",
                "a@", "ä@b.c", "a@b.c,d@e.f", "\"a\"@b.c", "a..b@c.d",
            ] {
                #expect(Mailbox(text) == nil, "\(text)")
            }
            #expect(Mailbox(" Ops <ops@example.com> ")?.description == "Ops <ops@example.com>")
            #expect(Mailbox("root")?.address == "root" && Mailbox("x@[127.0.0.1]") != nil)
            let server = try MailServerFixture(.startTLS)
            try await server.start()
            let client = try MailClient(server.configuration(.startTLS))
            for subject in [
                "job\r\nBcc: evil@example.com\r\n\r\ntext", "ü\nBcc: evil@example.com\u{2028}X: y", "a =?utf-8?q?b?= c",
                String(repeating: "long words ", count: 200),
            ] {
                try await client.send(.sample(subject))
            }
            let mails = try server.mails()
            #expect(mails.count == 4)
            for mail in mails {
                #expect(mail.header("Bcc") == nil && mail.header("X") == nil && mail.headers.count == 9)
                #expect(mail.text == "text\n" && mail.to.count == 2)
            }
            #expect(mails[2].subject == "a =?utf-8?q?b?= c")
        }
    }

    extension MailServerFixture {
        func configuration(_ security: MailConfiguration.Security) -> MailConfiguration {
            MailConfiguration(
                host: "127.0.0.1", port: port, security: security, user: Self.user, password: Self.password,
                caFile: caFile)
        }
    }

    extension MailMessage {
        /// At 2026-11-21T12:00:00Z.
        static func sample(_ subject: String = "subject", _ text: String = "text\n", to: String? = nil) -> MailMessage {
            let people = to.map { [$0] } ?? ["ops@example.com", "Miller, \"J\" <cfo@example.com>"]
            return MailMessage(
                from: Mailbox("Der Glöckner <carillon@example.com>")!, to: people.compactMap { Mailbox($0) },
                subject: subject, text: text, date: 1_795_262_400)
        }
    }

    extension [Unicode.Scalar] {
        /// Every end of a line as LF.
        fileprivate var lineFeeds: [Unicode.Scalar] {
            var result: [Unicode.Scalar] = []
            for (index, scalar) in enumerated() {
                if scalar == "\n", index > 0, self[index - 1] == "\r" { continue }
                result.append(scalar == "\r" ? "\n" : scalar)
            }
            return result
        }
    }
#endif
