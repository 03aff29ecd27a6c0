import CarillonTestSupport
import Foundation
import Testing

/// The real daemon and a real SMTP server.
@Suite(.timeLimit(.minutes(5))) struct MailTests {
    @Test func aFailureIsMailed() async throws {
        let server = try MailServerFixture(.startTLS)
        try await server.start()
        let daemon = try DaemonFixture()
        try daemon.folder.write("secret", MailServerFixture.password + "\n")
        try daemon.folder.write(
            "carillon.toml",
            """
            [notify.email]
            from = "Carillon <carillon@example.com>"
            to = ["ops@example.com"]
            host = "127.0.0.1"
            port = \(server.port)
            security = "starttls"
            user = "\(MailServerFixture.user)"
            password_file = "\(daemon.state)/secret"
            ca_file = "\(server.caFile)"
            [[job]]
            name = "nightly-report"
            every = "1s"
            time_zone = "Asia/Tokyo"
            shell = "echo no such table; exit 3"
            """)
        try await daemon.start()
        try await daemon.eventually(within: 30, "a mail arrives") { try !server.mails().isEmpty }
        let first = try server.mails()[0].text
        try await daemon.eventually("a run fails that the mail does not have") {
            try await daemon.objects("runs", "list", "--job", "nightly-report").contains {
                $0["state"] as? String == "failed" && !first.contains($0["id"] as? String ?? "")
            }
        }
        let failed = try await daemon.objects("runs", "list", "--job", "nightly-report")
        // It goes out with the stop.
        #expect(await daemon.stop() == 0)
        let mails = try server.mails()
        #expect(mails.count == 2)
        let mail = try #require(mails.first)
        #expect(mail.isEncrypted && mail.to == ["ops@example.com"])
        #expect(mail.subject.contains("failed (nightly-report)") && mail.subject.hasPrefix("Carillon on "))
        #expect(mail.text.contains(" JST\n") && mail.text.contains("error:      exit code 3\n"))
        #expect(mail.text.contains("    | no such table\n"))
        #expect(failed.contains { first.contains($0["id"] as? String ?? "-") })
        #expect(failed.contains { mails[1].text.contains($0["id"] as? String ?? "-") })
        #expect(!daemon.log.contains("s3cret"))
    }

    /// Without a daemon, and whatever the server says to it.
    @Test func aTestMailIsSentAsTheDaemonWouldSendIt() async throws {
        let server = try MailServerFixture(.startTLS)
        try await server.start()
        let daemon = try DaemonFixture()
        try daemon.folder.write(
            "carillon.toml",
            """
            [notify.email]
            from = "carillon@example.com"
            to = ["ops@example.com"]
            host = "127.0.0.1"
            port = \(server.port)
            security = "starttls"
            user = "\(MailServerFixture.user)"
            password_file = "\(daemon.state)/secret"
            ca_file = "\(server.caFile)"
            """)
        try daemon.folder.write("secret", "wrong-s3cret\n")
        let refused = try await daemon.carillon("notify", "test")
        #expect(refused.code == 1 && refused.error.contains("127.0.0.1"), "\(refused)")
        #expect(!refused.error.contains("wrong-s3cret"))
        #expect(try server.mails().isEmpty)
        try daemon.folder.write("secret", MailServerFixture.password + "\n")
        let sent = try await daemon.carillon("notify", "test")
        #expect(sent.output.hasPrefix("a mail to ops@example.com was taken by 127.0.0.1"), "\(sent)")
        let mails = try server.mails()
        #expect(mails.count == 1 && mails[0].isEncrypted && mails[0].subject.hasSuffix(": a test"), "\(mails)")
        #expect(try await daemon.objects("notify", "test").first?["to"] as? [String] == ["ops@example.com"])
    }

    @Test func anAddressThatIsNoneStopsTheStart() async throws {
        let daemon = try DaemonFixture()
        try daemon.folder.write(
            "carillon.toml", "[notify.email]\nfrom = \"me\"\nto = [\"a b\"]\nhost = \"127.0.0.1\"\n")
        let result = try await daemon.carillon("serve")
        #expect(result.code == 2 && result.error.contains("\"a b\" is no mail address"))
    }
}
