import CarillonCLI
import CarillonConfiguration
import CarillonDaemon
import ExecIntegration
import FrappeIntegration
import KeijiIntegration
import MailIntegration
import RQIntegration
import Timetable

// The readers as the program composes them, and the parts of the settings by short names.

extension SettingsReader {
    init(zones: ZoneDatabase, environment: [String: String]) {
        self = Composition.carillon.settingsReader(zones: zones, environment: environment)
    }
}

extension JobReader {
    init(zones: ZoneDatabase) { self.init(targets: Composition.carillon.targets, zones: zones) }
}

extension Settings {
    var exec: ExecSettings { self[ExecSettings.self] ?? ExecSettings() }
    var redis: RedisSettings { self[RedisSettings.self] ?? RedisSettings() }
    var frappe: FrappeSettings? { self[FrappeSettings.self] }
    var socket: FrappeSettings.Socket? { frappe?.socket }
    var keiji: KeijiSettings? { self[KeijiSettings.self] }
    var controlBus: KeijiSettings.Bus? { keiji?.bus }
    var email: MailSettings? { self[MailSettings.self] }
}
