import RedisClient
import Testing

@Suite
struct ConfigurationTests {
    @Test(arguments: [
        ("redis://localhost", "localhost:6379/0", nil, nil),
        ("redis://localhost/", "localhost:6379/0", nil, nil),
        ("REDIS://10.0.0.1:7000/5", "10.0.0.1:7000/5", nil, nil),
        ("redis://[::1]", "[::1]:6379/0", nil, nil),
        ("redis://[2001:db8::7]:7000/1", "[2001:db8::7]:7000/1", nil, nil),
        ("redis://:secret@host", "host:6379/0", nil, "secret"),
        ("redis://user:secret@host:1/2", "host:1/2", "user", "secret"),
        ("redis://user@host", "host:6379/0", "user", nil),
        ("redis://us%3Aer:p%40s%2Fs%25%C3%B6@host", "host:6379/0", "us:er", "p@s/s%ö"),
        ("redis://:a:b@c@host", "host:6379/0", nil, "a:b@c"),
        ("rediss://host", "host:6379/0", nil, nil),
        ("unix:///run/redis.sock", "/run/redis.sock", nil, nil),
        ("unix:///run/my%20redis.sock?db=4", "/run/my redis.sock?db=4", nil, nil),
        ("unix://user:secret@/run/redis.sock", "/run/redis.sock", "user", "secret"),
    ])
    func whatIsUnderstood(url: String, address: String, user: String?, password: String?) throws {
        let configuration = try RedisConfiguration(url: url)
        #expect(configuration.address == address)
        #expect(configuration.user == user)
        #expect(configuration.password == password)
        #expect((configuration.tls != nil) == url.hasPrefix("rediss"))
        #expect((configuration.socketPath != nil) == url.hasPrefix("unix"))
    }

    @Test(arguments: [
        "", "localhost", "localhost:6379", "http://host", "redis:/host", "redis://", "redis:///3", "redis://:hush@",
        "redis://host:", "redis://host:0", "redis://host:65536", "redis://host:hush", "redis://host:-1",
        "redis://host/x",
        "redis://host/-1", "redis://host/1/2", "redis://host/9999999999", "redis://host?db=1", "redis://host#hush",
        "redis://[::1", "redis://[host]", "redis://[::1]hush", "redis://::1", "redis://:hu/sh@host",
        "redis://:hu%sh@host", "redis://:hush%2@host", "redis://:hush%FF@host", "redis://:hush%00@host",
        "redis://:hu sh@host", "redis://:hush\n@host", "redis://:hu#sh@host", "redis://:hu?sh@host", "unix://",
        "unix:///", "unix://run/redis.sock", "unix:///a?database=1", "unix:///a?db=", "unix:///a?db=hush",
        "unix:///" + String(repeating: "a", count: 107), "redis://ho%20st", "redis://hush:1:2@host:1:2",
    ])
    func whatIsNot(url: String) {
        #expect {
            try RedisConfiguration(url: url)
        } throws: { error in
            let text = "\(error)"
            return (error as? RedisError)?.code == .badAddress && !text.contains("hu") && !text.contains("sh@")
        }
    }

    @Test func noWayOfPrintingShowsAPassword() throws {
        let configuration = try RedisConfiguration(url: "redis://user:hush@host")
        var text = "\(configuration) \(String(reflecting: configuration)) \([configuration])"
        dump(configuration, to: &text)
        #expect(text.contains("host:6379/0") && !text.contains("hush"))
    }

    @Test func namesOfCertificates() {
        let right = [("host", "HOST"), ("a.example.", "a.example"), ("a.example", "*.example")]
        for (name, pattern) in right { #expect(PeerName.matches(name, pattern)) }
        let wrong = [
            ("host", "hos"), ("example", "*.example"), ("a.b.example", "*.example"), ("", ""), ("a", "*"), ("a", "*."),
        ]
        for (name, pattern) in wrong { #expect(!PeerName.matches(name, pattern), "\(name) \(pattern)") }
    }
}
