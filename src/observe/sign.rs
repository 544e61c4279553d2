//! What shows that an HTTP response is not that of the service asked for.

/// A product that answers in a service's place, by what it writes into its responses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Product {
    /// Aruba's captive portal.
    Aruba,
    /// Barracuda Web Security Gateway and CloudGen Firewall.
    Barracuda,
    /// Symantec (Broadcom, Blue Coat) ProxySG.
    BlueCoat,
    /// Check Point's UserCheck.
    CheckPoint,
    /// Cisco Identity Services Engine and wireless controllers.
    Cisco,
    /// CoovaChilli and other portals of its kind.
    CoovaChilli,
    /// DansGuardian and its successor e2guardian.
    E2Guardian,
    /// Forcepoint (Websense).
    Forcepoint,
    /// Fortinet's FortiGate and FortiProxy.
    Fortinet,
    /// iboss.
    Iboss,
    /// Lightspeed Systems.
    Lightspeed,
    /// Cisco Meraki.
    Meraki,
    /// MikroTik's hotspot.
    MikroTik,
    /// Netskope.
    Netskope,
    /// Palo Alto Networks' PAN-OS.
    PanOs,
    /// Skyhigh (McAfee, Trellix) Secure Web Gateway.
    Skyhigh,
    /// Smoothwall.
    Smoothwall,
    /// SonicWall.
    SonicWall,
    /// Sophos Firewall and UTM.
    Sophos,
    /// Squid, and squidGuard on it.
    Squid,
    /// Cisco Umbrella (OpenDNS).
    Umbrella,
    /// Ubiquiti's UniFi.
    UniFi,
    /// Arista's (formerly Untangle) NG Firewall.
    Untangle,
    /// WatchGuard.
    WatchGuard,
    /// Cisco Secure Web Appliance (IronPort).
    WebAppliance,
    /// Zscaler.
    Zscaler,
}

impl Product {
    /// The name that people know the product by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aruba => "Aruba",
            Self::Barracuda => "Barracuda",
            Self::BlueCoat => "Symantec ProxySG",
            Self::CheckPoint => "Check Point",
            Self::Cisco => "Cisco",
            Self::CoovaChilli => "CoovaChilli",
            Self::E2Guardian => "e2guardian",
            Self::Forcepoint => "Forcepoint",
            Self::Fortinet => "Fortinet",
            Self::Iboss => "iboss",
            Self::Lightspeed => "Lightspeed",
            Self::Meraki => "Meraki",
            Self::MikroTik => "MikroTik",
            Self::Netskope => "Netskope",
            Self::PanOs => "Palo Alto Networks",
            Self::Skyhigh => "Skyhigh",
            Self::Smoothwall => "Smoothwall",
            Self::SonicWall => "SonicWall",
            Self::Sophos => "Sophos",
            Self::Squid => "Squid",
            Self::Umbrella => "Cisco Umbrella",
            Self::UniFi => "UniFi",
            Self::Untangle => "Arista NG Firewall",
            Self::WatchGuard => "WatchGuard",
            Self::WebAppliance => "Cisco Secure Web Appliance",
            Self::Zscaler => "Zscaler",
        }
    }
}

/// What shows that a response is not that of the service, from the plainest sign to the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Sign {
    /// Nothing beyond the status.
    #[default]
    Status,
    /// A header field or the page bears the mark of this product.
    Product(Product),
    /// This product says that it failed to get an answer.
    Failure(Product),
    /// The page's title and text say that a policy blocks it.
    BlockPage,
    /// It leads to a portal or block page of this product.
    Portal(Product),
    /// It leads to an address, or to a name that only the network itself knows.
    LocalTarget,
    /// It leads to another host at a port that no public service is reached by.
    OddPort,
    /// It leads to a host that is named as a portal or block page, or that is told in clear which
    /// host was asked for.
    BlockHost,
    /// A page came where a revocation list, certificate or OCSP response was asked for.
    WrongKind,
    /// It leads elsewhere, and its packet is not one of the responder's.
    OtherSender,
}

impl Sign {
    /// What the sign is, as a clause behind the status; nothing where there is none.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Status => String::new(),
            Self::Product(product) => format!("by {}", product.as_str()),
            Self::Failure(product) => format!("of {}", product.as_str()),
            Self::BlockPage => "with a page that says that it is blocked".to_owned(),
            Self::Portal(product) => format!("leads to a page of {}", product.as_str()),
            Self::LocalTarget => "leads to an address of the network itself".to_owned(),
            Self::OddPort => "leads to another host at a port of its own".to_owned(),
            Self::BlockHost => "leads to a block page or portal".to_owned(),
            Self::WrongKind => "with a page in place of what was asked for".to_owned(),
            Self::OtherSender => "leads elsewhere, and another sent it".to_owned(),
        }
    }
}
