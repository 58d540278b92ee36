"""Posts in Django's admin."""

from django.contrib import admin
from django.utils.html import format_html

from blog.models import Post


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    """The list shows each post's image."""

    list_display = ("title", "author", "created", "thumbnail")
    list_select_related = ("author",)
    readonly_fields = ("thumbnail",)

    @admin.display(description="image")
    def thumbnail(self, post: Post) -> str:
        """Show the image, or a dash."""
        if not post.image:
            return "-"
        return format_html('<img src="{}" alt="" style="height: 4rem">', post.image.url)
