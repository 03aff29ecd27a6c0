package import CarillonConfiguration

/// `[web]`: the pages that people open, beside the API.
package struct WebSettings: SettingsSection {
    package var isEnabled = true
    /// What the provider of `[api.oidc]` calls these pages; nil where nobody logs in there.
    package var clientID: String?
    package var clientSecret: String?

    package static func read(_ settings: inout SettingsTable) -> WebSettings? {
        settings.table.table("web") { table in
            var web = WebSettings()
            web.isEnabled = table.bool("enabled") ?? true
            web.clientID = table.string("client_id")
            web.clientSecret = table.secret("client_secret")
            if web.clientSecret != nil, web.clientID == nil {
                table.complain("client_secret", "is of no use without a client_id")
            }
            return web
        }
    }
}
